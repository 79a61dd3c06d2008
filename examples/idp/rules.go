package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"github.com/entrafed/entrafed/examples/internal/entitlement"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
	"github.com/entrafed/entrafed/provision"
)

// readRules reads the rules for connections, and checks them beside those that everybody has.
func readRules(e *environment.Variables, general provision.Rules) []provision.ConnectionRule {
	path := e.Value(varRules)
	if path == "" {
		return nil
	}
	content, err := keyfile.ReadGuarded(path, 0o022, "others could let people in: chmod go-w "+path)
	if err == nil {
		general.Connections, err = provision.ReadConnectionRules(bytes.NewReader(content))
	}
	if err != nil {
		e.Check(varRules, fmt.Errorf("%s: %w", path, err))
		return nil
	}
	general.Domain, general.UsageLocation = "contoso.com", "DE" // what these are is checked elsewhere
	for _, problem := range flattened(general.Validate()) {
		e.Check(varRules, fmt.Errorf("%s: %w", path, problem))
	}
	return general.Connections
}

// flattened are the errors that were joined.
func flattened(err error) (all []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		all = append(all, flattened(one)...)
	}
	return all
}

// licensesInUse are the licences that anybody gets, each once.
func (s settings) licensesInUse() (all []provision.License) {
	for _, share := range entitlement.Shares(s.connections, s.licenses, entitlement.Licenses) {
		for _, license := range share.Gets {
			if !contains(all, license) {
				all = append(all, license)
			}
		}
	}
	return all
}

func contains(licenses []provision.License, license provision.License) bool {
	return slices.ContainsFunc(licenses, func(l provision.License) bool { return reflect.DeepEqual(l, license) })
}

// groupsInUse are the groups that anybody joins, each once.
func (s settings) groupsInUse() (names []string) {
	for _, c := range s.connections {
		names = append(names, c.Groups...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
