package entratest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// splitNames splits what $select names, as it was written.
func splitNames(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// selectedNames are the properties that $select asks for; nil where it is absent.
func (req *graphRequest) selectedNames() []string { return splitNames(req.query.Get("$select")) }

// selection is what $select adds to @odata.context.
func (req *graphRequest) selection() string {
	names := req.selectedNames()
	if len(names) == 0 {
		return ""
	}
	return "(" + strings.Join(names, ",") + ")"
}

// selected reduces an object of the given type to what $select asks for.
func (req *graphRequest) selected(o object, typeName string) (object, *graphError) {
	names := req.selectedNames()
	if len(names) == 0 {
		return o, nil
	}
	var out object
	for _, name := range names {
		i := slices.IndexFunc(o, func(m member) bool { return strings.EqualFold(m.name, name) })
		if i < 0 {
			return nil, errCannotSelect(name, typeName)
		}
		if !slices.ContainsFunc(out, func(m member) bool { return m.name == o[i].name }) {
			out = append(out, o[i])
		}
	}
	return out, nil
}

// selectedEntity is the answer to a read of one object of a type, reduced to what $select asks for.
func (req *graphRequest) selectedEntity(path, typeName string, o object) (*graphReply, *graphError) {
	selected, refusal := req.selected(o, typeName)
	if refusal != nil {
		return nil, refusal
	}
	return req.entity(path+req.selection()+"/$entity", selected), nil
}

// selectedCollection is the answer to a list of objects of a type, each reduced to what $select asks for.
func (req *graphRequest) selectedCollection(path, typeName string, all []object) (*graphReply, *graphError) {
	var items []object
	for _, o := range all {
		selected, refusal := req.selected(o, typeName)
		if refusal != nil {
			return nil, refusal
		}
		items = append(items, selected)
	}
	return req.collection(path+req.selection(), items), nil
}

func errCannotSelect(name, typeName string) *graphError {
	return badRequest(fmt.Sprintf("Parsing OData Select and Expand failed: Could not find a property named '%s' on type "+
		"'microsoft.graph.%s'.", name, typeName))
}

// projection says what of an object a request wants.
type projection struct {
	properties []property
	manager    *projection // what of the user's manager; nil: nothing
}

// projection reads $select and $expand for objects of a class.
func (req *graphRequest) projection(c class) (projection, *graphError) {
	properties, refusal := req.properties(c, req.selectedNames())
	if refusal != nil || !req.query.Has("$expand") {
		return projection{properties: properties}, refusal
	}
	expanded, refusal := req.expansion()
	return projection{properties, expanded}, refusal
}

var expandPattern = regexp.MustCompile(`^(?i:manager)(?:\(\s*(?i:\$select)=([A-Za-z0-9, ]*)\))?$`)

// expansion reads $expand=manager, the one relationship that can be expanded here, with its own $select or without.
func (req *graphRequest) expansion() (*projection, *graphError) {
	match := expandPattern.FindStringSubmatch(strings.TrimSpace(req.query.Get("$expand")))
	if match == nil {
		return nil, badRequest("Parsing OData Select and Expand failed: only 'manager' can be expanded on type " +
			"'microsoft.graph.user'.")
	}
	if !req.readsUsers() {
		return nil, errForbidden()
	}
	properties, refusal := req.properties(userClass, splitNames(match[1]))
	return &projection{properties: properties}, refusal
}

// readsUsers reports whether the caller may read all of a user, and not merely the basic properties.
func (req *graphRequest) readsUsers() bool {
	return req.caller.may("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
}

// basicOnly reports whether the caller gets no more of a user than the basic properties: where User.ReadBasic.All is
// enough, and that is all it has.
func (req *graphRequest) basicOnly() bool {
	return slices.Contains(req.route.permissions, "User.ReadBasic.All") && !req.readsUsers()
}

// properties finds the properties of a class that are named, or those that are returned unasked.
func (req *graphRequest) properties(c class, names []string) ([]property, *graphError) {
	basicOnly := req.basicOnly()
	var out []property
	if len(names) == 0 {
		for _, p := range c.properties() {
			if p.standard && (p.basic || !basicOnly) {
				out = append(out, p)
			}
		}
		return out, nil
	}
	for _, name := range names {
		p, ok := c.property(name)
		if !ok {
			return nil, errCannotSelect(name, string(c))
		}
		if basicOnly && !p.basic {
			return nil, errForbidden()
		}
		if !slices.ContainsFunc(out, func(other property) bool { return other.name == p.name }) {
			out = append(out, p)
		}
	}
	return out, nil
}

// project is what of an object the request wants, as a view shows it. The caller holds t.mu.
func (t *Tenant) project(e *entity, p projection, view int) object {
	out := make(object, 0, len(p.properties))
	for _, property := range p.properties {
		out = append(out, property.member(t, e))
	}
	if p.manager != nil && e.manager != "" {
		if manager := t.directory.seen(e.manager, view, t.now()); manager != nil {
			out = append(out, member{"manager", typed(t.project(manager, *p.manager, view), userClass)})
		}
	}
	return out
}

// typed is an object with its type in front.
func typed(o object, c class) object {
	return append(object{{"@odata.type", "#microsoft.graph." + string(c)}}, o...)
}
