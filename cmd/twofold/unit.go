package main

import (
	_ "embed"
	"fmt"
)

// unit is the systemd unit, the same as examples/systemd/twofold.service.
//
//go:embed twofold.service
var unit string

type unitCommand struct{}

// Help implements kong.HelpProvider.
func (unitCommand) Help() string {
	return `Example:
  twofold unit > /etc/systemd/system/twofold.service && systemctl enable --now twofold`
}

// Run prints the unit.
func (unitCommand) Run(p process) error {
	_, err := fmt.Fprint(p.out, unit)
	return err
}
