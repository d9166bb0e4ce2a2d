// Answers what Go's own packages say: a question a line, as JSON, and an answer a line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"gopkg.in/yaml.v3"
)

type question struct {
	About string
	Text  []byte
	Texts [][]byte
}

type answer = map[string]any

func main() {
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, 1<<24)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		said, err := answers[q.About](string(q.Text), q.Texts)
		if err != nil {
			said = answer{"refused": quote(err.Error())}
		}
		if err := out.Encode(said); err != nil {
			panic(err)
		}
	}
}

var answers = map[string]func(text string, texts [][]byte) (answer, error){
	"patterns": func(text string, texts [][]byte) (answer, error) {
		pattern, err := regexp.Compile(text)
		if err != nil {
			return nil, err
		}
		var found strings.Builder
		for _, each := range texts {
			if pattern.Match(each) {
				found.WriteByte('x')
			} else {
				found.WriteByte('.')
			}
		}
		return answer{"found": quote(found.String())}, nil
	},
	"urls": func(text string, _ [][]byte) (answer, error) {
		u, err := url.Parse(text)
		if err != nil {
			return nil, err
		}
		query := u.RawQuery
		if query != "" || u.ForceQuery {
			query = "?" + query
		}
		said := answer{
			"scheme": quote(u.Scheme), "host": quote(u.Host), "hostname": quote(u.Hostname()),
			"port": quote(u.Port()), "path": quote(u.Path), "query": quote(query),
			"fragment": quote(u.EscapedFragment()),
		}
		if u.User != nil {
			said["user"] = quote(u.User.String())
		}
		if u.Path == "" && u.Scheme != "" && u.Host != "" {
			said["written"] = quote(u.String())
		}
		return said, nil
	},
	"durations": func(text string, _ [][]byte) (answer, error) {
		d, err := time.ParseDuration(text)
		return answer{"nanoseconds": d}, err
	},
	"hostnames": func(text string, _ [][]byte) (answer, error) {
		name, err := idna.Lookup.ToASCII(text)
		return answer{"name": quote(name)}, err
	},
	"ports": func(text string, _ [][]byte) (answer, error) {
		host, port, err := net.SplitHostPort(text)
		return answer{"host": quote(host), "port": quote(port)}, err
	},
	"networks": func(text string, _ [][]byte) (answer, error) {
		_, _, err := net.ParseCIDR(text)
		return answer{}, err
	},
	"yaml": func(text string, _ [][]byte) (answer, error) {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			return nil, err
		}
		if document.Kind == 0 {
			return answer{"tree": nil}, nil
		}
		said := answer{"tree": tree(document.Content[0])}
		var value any
		if err := document.Decode(&value); err != nil {
			said["undecoded"] = quote(err.Error())
		} else {
			said["value"] = plain(value)
		}
		return said, nil
	},
}

// A text as Python reads it: each byte that is no UTF-8 is a lone surrogate.
func quote(text string) json.RawMessage {
	quoted := strings.Builder{}
	quoted.WriteByte('"')
	for len(text) > 0 {
		character, size := utf8.DecodeRuneInString(text)
		if character == utf8.RuneError && size == 1 {
			fmt.Fprintf(&quoted, `\udc%02x`, text[0])
		} else {
			written, _ := json.Marshal(text[:size])
			quoted.Write(written[1 : len(written)-1])
		}
		text = text[size:]
	}
	quoted.WriteByte('"')
	return json.RawMessage(quoted.String())
}

// Line, kind, text or children, and for a scalar whether it is quoted.
func tree(node *yaml.Node) []any {
	switch node.Kind {
	case yaml.AliasNode:
		return []any{node.Line, "alias", quote(node.Value)}
	case yaml.ScalarNode:
		quoted := node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
		return []any{node.Line, "scalar", quote(node.Value), quoted}
	}
	children := []any{}
	for _, child := range node.Content {
		children = append(children, tree(child))
	}
	kind := "sequence"
	if node.Kind == yaml.MappingNode {
		kind = "mapping"
	}
	return []any{node.Line, kind, children}
}

// The value with its type, since JSON has one for all numbers.
func plain(value any) any {
	switch it := value.(type) {
	case map[string]any:
		pairs := []any{}
		for key, each := range it {
			pairs = append(pairs, []any{plain(key), plain(each)})
		}
		return answer{"mapping": pairs}
	case map[any]any:
		pairs := []any{}
		for key, each := range it {
			pairs = append(pairs, []any{plain(key), plain(each)})
		}
		return answer{"mapping": pairs}
	case []any:
		items := []any{}
		for _, each := range it {
			items = append(items, plain(each))
		}
		return answer{"list": items}
	case string:
		return answer{"text": quote(it)}
	case time.Time:
		return answer{"time": nil}
	case float64:
		return answer{"float": strconv.FormatFloat(it, 'g', -1, 64)}
	case nil, bool:
		return it
	default:
		text, _ := json.Marshal(it)
		return answer{"int": string(text)}
	}
}
