package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/examples/internal/entitlement"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/provision"
)

// joining is a group that everybody would join, or the people of some rules.
type joining struct {
	Group   string `json:"group"` // as the rules name it
	Name    string `json:"name,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// noSuchGroup is the problem of a group that is not found.
const noSuchGroup = "the tenant has no such group: create it, or name it by its object ID or uniqueName"

func (j joining) text() string {
	switch {
	case j.Problem != "":
		return j.Group + ": " + j.Problem
	case strings.EqualFold(j.Group, j.Name) || j.Name == "":
		return j.Group
	}
	return j.Group + " (" + j.Name + ")"
}

// groupsOf are the groups that people join by the rules, each once.
func groupsOf(rules provision.Rules) (names []string) {
	for _, share := range entitlement.Shares(rules.Connections, rules.Groups, entitlement.Groups) {
		for _, name := range share.Gets {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// lookUpGroups finds the groups that people join.
func (r *rehearsal) lookUpGroups(ctx context.Context) error {
	for _, name := range groupsOf(r.rules) {
		group, found, err := r.findGroup(ctx, name)
		if err != nil {
			return err
		}
		j := joining{Group: name, Name: group.DisplayName}
		if !found {
			j.Problem = noSuchGroup
		}
		r.joins = append(r.joins, j)
	}
	return nil
}

// findGroup finds a group by its object ID or its uniqueName.
func (r *rehearsal) findGroup(ctx context.Context, name string) (group provision.Group, found bool, err error) {
	err = r.ask(ctx, func() (err error) {
		group, err = r.tenant.FindGroup(ctx, environment.GroupKey(name))
		return err
	})
	if errors.Is(err, provision.ErrNotFound) {
		return provision.Group{}, false, nil
	}
	return group, err == nil, err
}
