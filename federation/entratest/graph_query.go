package entratest

import (
	"fmt"
	"slices"
	"strings"
)

// selectedNames are the properties that $select asks for, as they were written; nil where it is absent.
func (req *graphRequest) selectedNames() []string {
	if !req.query.Has("$select") {
		return nil
	}
	var names []string
	for name := range strings.SplitSeq(req.query.Get("$select"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

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

func errCannotSelect(name, typeName string) *graphError {
	return badRequest(fmt.Sprintf("Parsing OData Select and Expand failed: Could not find a property named '%s' on type "+
		"'microsoft.graph.%s'.", name, typeName))
}
