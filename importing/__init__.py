"""Reads configuration files of cloudflared that exist already, and writes the stack file for one."""
