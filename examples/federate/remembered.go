package main

import (
	"errors"
	"fmt"
	"maps"
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

// recall fills in what is not given, as it was given last time for the domain.
func (s *session) recall() error {
	f := &s.flags
	wanted := keptOfProvider()
	switch f.command {
	case commandPlan, commandApply:
		wanted = kept()
	case commandDoctor, commandRotate:
	default:
		return nil
	}
	var before map[string]string
	if err := document.Read(s.rememberedFile(), &before); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	set := f.list().Set("federate", f.command)
	var said []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		_, given := f.given[name]
		_, metadata := f.given["metadata"]
		if given || !slices.Contains(wanted, name) || metadata && slices.Contains(inMetadata(), name) || set.Lookup(name) == nil {
			continue
		}
		if err := set.Set(name, before[name]); err != nil {
			return fmt.Errorf("%s: -%s: %w", s.rememberedFile(), name, err)
		}
		said = append(said, "-"+name+" "+quoted(before[name]))
	}
	if len(said) > 0 {
		s.Say("as last time: %s", strings.Join(said, " "))
	}
	return nil
}

// remember keeps what the domain was planned with.
func (s *session) remember() error {
	if s.flags.dryRun || s.domain == "" {
		return nil
	}
	now := map[string]string{}
	for _, one := range s.flags.list() {
		if value := s.flags.value(one.Name); value != "" && slices.Contains(kept(), one.Name) {
			now[one.Name] = value
		}
	}
	for _, name := range []string{"metadata", "certificate", "next-certificate"} {
		if path := now[name]; path != "" && !isURL(path) {
			absolute, err := filepath.Abs(path)
			if err != nil {
				return err
			}
			now[name] = absolute
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
