module argoweb/golang

go 1.26

require (
	golang.org/x/net v0.56.0
	golang.org/x/text v0.40.0
	gopkg.in/yaml.v3 v3.0.1
)
