package federation

import (
	"maps"
	"reflect"
	"slices"
)

// createConfiguration is the write that federates a managed domain.
func createConfiguration(domain string, c Configuration, reason string) Write {
	body := c.properties().set()
	return Write{
		Operation: CreateConfiguration, Domain: domain, Body: body, Changes: changes(Properties{}, body), Reason: reason,
	}
}

// changeConfiguration is the write that sets properties of a configuration; ok is false if they are so already.
func changeConfiguration(domain string, present Configuration, to Properties, reason string) (w Write, ok bool) {
	differing := changes(present.properties(), to)
	return Write{
		Operation: ChangeConfiguration, Domain: domain, ID: present.ID, Body: bodyOf(differing), Changes: differing, Reason: reason,
	}, len(differing) > 0
}

// deleteConfiguration is the write that makes a domain managed.
func deleteConfiguration(domain string, present Configuration, reason string) Write {
	return Write{
		Operation: DeleteConfiguration, Domain: domain, ID: present.ID, Changes: removed(present.properties()), Reason: reason,
	}
}

// set are the properties that have a value.
func (p Properties) set() Properties {
	some := maps.Clone(p)
	maps.DeleteFunc(some, func(_ string, value any) bool { return value == nil })
	return some
}

// changes are the properties of to that are not so in from, sorted by name.
func changes(from, to Properties) []Change {
	var all []Change
	for _, name := range slices.Sorted(maps.Keys(to)) {
		if !reflect.DeepEqual(from[name], to[name]) {
			all = append(all, Change{Property: name, From: from[name], To: to[name]})
		}
	}
	return all
}

// bodyOf is what brings changes about.
func bodyOf(changes []Change) Properties {
	body := Properties{}
	for _, c := range changes {
		body[c.Property] = c.To
	}
	return body
}

// removed are the changes by which properties go.
func removed(present Properties) []Change {
	var gone []Change
	for _, c := range changes(Properties{}, present) {
		gone = append(gone, Change{Property: c.Property, From: c.To})
	}
	return gone
}

// planOf makes a plan of an examination.
func (f *Federator) planOf(purpose Purpose, x *examination) (*Plan, error) {
	return f.newPlan(purpose, x.domain, x.state(), x.writes, x.findings(purpose))
}

// newPlan makes a plan of what was read and of what is to be written.
func (f *Federator) newPlan(purpose Purpose, domain string, before State, writes []Write,
	findings []Finding) (*Plan, error) {
	id, err := f.newID()
	if err != nil {
		return nil, err
	}
	return &Plan{
		ID: id, Purpose: purpose, Domain: domain, Made: f.now().UTC(), Before: before,
		Writes: append([]Write{}, writes...), Findings: append([]Finding{}, findings...), // JSON has lists, never null
	}, nil
}
