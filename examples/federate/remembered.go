package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/examples/internal/document"
)

// kept are the flags that a domain is planned with and that are kept for the next time. What is decided once, such as
// which federation is overwritten, is not.
func kept() []string {
	return append(keptOfProvider(), "display-name", "sign-out-url", "active-sign-in-url", "metadata-exchange-url",
		"password-reset-url", "protocol", "mfa", "prompt-login", "signed-requests")
}

// keptOfProvider are those that say who the identity provider is, and what its NameIDs are.
func keptOfProvider() []string { return append(inMetadata(), "metadata", "immutable-id", "connection") }

// inMetadata are those that metadata says as well.
func inMetadata() []string {
	return []string{"issuer", "sign-in-url", "certificate", "next-certificate"}
}

// settings are the given flags that say what the domain is to be.
func (f *flags) settings() map[string]string {
	found := map[string]string{}
	for _, name := range append(kept(), "domain", "default-domain", "replace", "insecure-no-administrator") {
		if value, given := f.given[name]; given {
			found[name] = value
		}
	}
	return found
}

// keeps are the flags of a sub-command that are kept for the next time.
func keeps(sub string) []string {
	switch sub {
	case commandPlan, commandApply:
		return kept()
	case commandDoctor:
		return keptOfProvider()
	case commandRotate:
		return []string{"metadata", "certificate", "next-certificate"}
	}
	return nil
}

// remembered is what was kept of the domain; nothing if it never was planned.
func (s *session) remembered() (map[string]string, error) {
	before := map[string]string{}
	err := document.Read(s.rememberedFile(), &before)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return before, err
}

// recall fills in what is not given, as it was given last time for the domain.
func (s *session) recall() error {
	f := &s.flags
	before, err := s.remembered()
	if err != nil || keeps(f.command) == nil {
		return err
	}
	set := f.list().Set("federate", f.command)
	_, metadata := f.given["metadata"]
	var said []string
	for _, name := range keeps(f.command) {
		value, was := before[name]
		if _, given := f.given[name]; given || !was || metadata && slices.Contains(inMetadata(), name) {
			continue
		}
		if err := set.Set(name, value); err != nil {
			return fmt.Errorf("%s: -%s: %w", s.rememberedFile(), name, err)
		}
		said = append(said, "-"+name+" "+quoted(value))
	}
	if len(said) > 0 {
		s.Say("as last time: %s", strings.Join(said, " "))
	}
	return nil
}

// remember keeps what the domain was planned or rotated with.
func (s *session) remember() error {
	if s.flags.dryRun {
		return nil
	}
	now, err := s.remembered()
	if err != nil {
		return err
	}
	for _, name := range keeps(s.flags.command) {
		delete(now, name)
		if value := s.flags.value(name); value != "" {
			now[name] = value
		}
	}
	for _, name := range []string{"metadata", "certificate", "next-certificate"} {
		if path := now[name]; path != "" && !isURL(path) {
			if now[name], err = filepath.Abs(path); err != nil {
				return err
			}
		}
	}
	return document.Replace(s.rememberedFile(), now)
}

// value is what a flag of plan says, "" for what it says anyway.
func (f *flags) value(name string) string {
	set := f.list().Set("federate", commandPlan)
	one := set.Lookup(name)
	if one == nil || one.Value.String() == "false" {
		return ""
	}
	return one.Value.String()
}

// rememberedFile is where it is kept, beside the ways back.
func (s *session) rememberedFile() string {
	return filepath.Join(s.store, "settings-"+unfit.ReplaceAllString(s.domain, "_")+".json")
}

// unfit is what the name of a file does not have.
var unfit = regexp.MustCompile(`[^a-z0-9.-]`)

// quoted is a value as somebody would type it.
func quoted(value string) string {
	if value != "" && !strings.ContainsFunc(value, func(r rune) bool { return strings.ContainsRune(" \"'$`\\*?&|;<>()#!~", r) }) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
