package environment

import (
	"regexp"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// GroupPrefix marks a group that gives licences, in the list of licences.
const GroupPrefix = "group:"

// Licenses reads a list of licences, each with the fallbacks after it: "A|B, group:staff".
func (e *Variables) Licenses(name string) []provision.License {
	var licenses []provision.License
	for _, entry := range e.List(name) {
		var alternatives []provision.License
		for alternative := range strings.SplitSeq(entry, "|") {
			l := provision.License{SKU: strings.TrimSpace(alternative)}
			if group, ok := strings.CutPrefix(l.SKU, GroupPrefix); ok {
				l = provision.License{Group: strings.TrimSpace(group)}
			}
			if l.SKU+l.Group == "" {
				e.Refuse(name, "has an empty alternative in %q: check its bars", entry)
			}
			alternatives = append(alternatives, l)
		}
		if len(alternatives) > 1 {
			alternatives[0].Fallbacks = alternatives[1:]
		}
		licenses = append(licenses, alternatives[0])
	}
	return licenses
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// GroupKey is by what a group is found that a variable names: its object ID or its uniqueName.
func GroupKey(name string) provision.GroupKey {
	if guid.MatchString(name) {
		return provision.GroupKey{ObjectID: name}
	}
	return provision.GroupKey{UniqueName: name}
}
