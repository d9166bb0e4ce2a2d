"""A throwaway machine that takes itself for NixOS: real systemd and OpenSSH, the rest of NixOS imitated."""
