package main

import (
	"fmt"
	"testing"
)

func TestTry(t *testing.T) {
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, false)
	for _, args := range [][]string{
		{"plan", "contoso.com", "-metadata", f.metadata},
		{"plan", "contoso.com", "-default-domain", "contoso.onmicrosoft.com", "-out", f.plan},
		{"apply", f.plan, "-yes", "-dump", f.dump},
		{"verify", "contoso.com"},
		{"verify", "contoso.com", "-wait"},
		{"plan", "contoso.com"},
		{"rotate", "contoso.com"},
		{"rotate", "step", "contoso.com"},
		{"domain", "add", "fabrikam.com"},
		{"domain", "verify", "fabrikam.com"},
		{"domain", "verify", "fabrikam.com", "-wait"},
		{"doctor", "contoso.com", "-user", "employee1@contoso.com"},
		{"revert", "contoso.com", "-list"},
		{"revert", "contoso.com", "-dry-run"},
		{"domain", "promote", "hr.contoso.com", "-yes"},
		{"domain", "show", "hr.contoso.com"},
		{"domain", "default", "hr.contoso.com", "-yes"},
		{"apply", "-domain", "contoso.com", "-yes", "-mfa", "accept"},
	} {
		got := p.command(t, t.Context(), append(args, "-simulate", f.tenant)...)
		fmt.Printf("\n$ federate %v\n%s---\n%s=%d\n", args, got.Stdout, got.Stderr, got.Code)
	}
}
