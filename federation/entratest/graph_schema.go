package entratest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// kind is the type of a property.
type kind string

const (
	stringKind  kind = "Edm.String"
	boolKind    kind = "Edm.Boolean"
	intKind     kind = "Edm.Int32"
	dateKind    kind = "Edm.DateTimeOffset"
	stringsKind kind = "Collection(Edm.String)"
	objectKind  kind = "a complex type"
)

// property is one property of a class of objects.
type property struct {
	name       string
	kind       kind
	maxLength  int    // in characters; 0: no limit of its own
	maxItems   int    // of a collection; 0: no limit of its own
	required   bool   // an object cannot be created without it, nor can it be cleared
	kept       bool   // it cannot be cleared once it is set
	createOnly bool   // it is set when the object is created, and not changed afterwards
	standard   bool   // it is returned without $select
	basic      bool   // User.ReadBasic.All is enough to read it
	filters    string // the operators of $filter that it supports, separated by spaces
	exact      bool   // $filter compares it with regard to case
	tracks     string // the name under which delta queries track it; empty: its own

	// valid checks a value that is not null beyond type and length. Nil: anything is valid.
	valid func(value any) bool

	// computed makes the value; such a property cannot be written. Nil: the value is stored.
	computed func(t *Tenant, e *entity) any

	// hidden properties are written or filtered by, and never returned.
	hidden bool
}

const (
	filtersText = "eq ne not ge le in startswith endswith"
	filtersName = "eq ne not ge le in startswith"
	filtersID   = "eq ne not ge le in"
	filtersBool = "eq ne not in"
)

func null(*Tenant, *entity) any { return nil }

// properties lists the properties of the class in the order in which Graph returns them.
func (c class) properties() []property {
	switch c {
	case groupClass:
		return groupSchema
	case domainClass:
		return domainSchema
	case federationClass:
		return federationSchema
	case externalFederationClass:
		return externalFederationSchema
	}
	return userSchema
}

// property finds a property of the class without regard to case, as queries do.
func (c class) property(name string) (property, bool) {
	schema := c.properties()
	i := slices.IndexFunc(schema, func(p property) bool { return strings.EqualFold(p.name, name) })
	if i < 0 {
		return property{}, false
	}
	return schema[i], true
}

// value is the property of an object.
func (p property) value(t *Tenant, e *entity) any {
	if p.computed != nil {
		return p.computed(t, e)
	}
	value := e.values[p.name]
	if value == nil && p.kind == stringsKind {
		return []string{}
	}
	return value
}

// member is the property of an object as Graph returns it.
func (p property) member(t *Tenant, e *entity) member {
	if p.hidden {
		return member{p.name, nil}
	}
	return member{p.name, p.value(t, e)}
}

// tracked is the name under which delta queries track the property.
func (p property) tracked() string { return orElse(p.tracks, p.name) }

// standardObject is an object with the properties that are returned without $select.
func standardObject(t *Tenant, e *entity) object {
	var out object
	for _, p := range e.class.properties() {
		if p.standard {
			out = append(out, p.member(t, e))
		}
	}
	return out
}

// decode checks a JSON value, as decoded by readObject, and returns it as it is stored; null is nil.
func (c class) decode(p property, value any) (any, *graphError) {
	if value == nil {
		if p.required {
			return nil, errMissing(p.name)
		}
		if p.kept {
			return nil, c.errInvalidValue(p.name)
		}
		return nil, nil
	}
	decoded, ok := p.convert(value)
	if !ok {
		return nil, errWrongType(string(p.kind))
	}
	if decoded == "" && p.required {
		return nil, errMissing(p.name)
	}
	if !p.fits(decoded) || p.valid != nil && !p.valid(decoded) {
		return nil, c.errInvalidValue(p.name)
	}
	return decoded, nil
}

// fits reports whether a value keeps to the property's limits of size.
func (p property) fits(value any) bool {
	short := func(s string) bool { return p.maxLength == 0 || utf8.RuneCountInString(s) <= p.maxLength }
	switch v := value.(type) {
	case string:
		return short(v)
	case []string:
		return (p.maxItems == 0 || len(v) <= p.maxItems) &&
			!slices.ContainsFunc(v, func(s string) bool { return !short(s) })
	}
	return true
}

func (p property) convert(value any) (any, bool) {
	switch p.kind {
	case stringKind:
		s, ok := value.(string)
		return s, ok
	case boolKind:
		b, ok := value.(bool)
		return b, ok
	case intKind:
		number, _ := value.(json.Number)
		n, err := strconv.ParseInt(string(number), 10, 32)
		return int(n), err == nil
	case dateKind:
		s, _ := value.(string)
		at, err := time.Parse(time.RFC3339, s)
		return date(at), err == nil
	case stringsKind:
		return stringList(value)
	}
	o, ok := value.(map[string]any)
	return o, ok
}

func stringList(value any) ([]string, bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	out := []string{}
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

func errWrongType(expected string) *graphError {
	return badRequest(fmt.Sprintf("Cannot convert a value of the request payload to the expected type '%s'.", expected))
}

// decodeObject checks the properties of a body one by one, in the order of the schema.
func (c class) decodeObject(body map[string]any) (map[string]any, *graphError) {
	schema := c.properties()
	for _, name := range slices.Sorted(maps.Keys(body)) {
		i := slices.IndexFunc(schema, func(p property) bool { return p.name == name })
		switch {
		case i < 0 && strings.HasPrefix(name, "extension_"):
			return nil, requestError("The following extension properties are not available: " + name + ".")
		case i < 0:
			return nil, errUnknownProperty(name)
		case schema[i].computed != nil:
			return nil, errReadOnly(name)
		}
	}
	values := map[string]any{}
	for _, p := range schema {
		raw, present := body[p.name]
		if !present {
			continue
		}
		value, refusal := c.decode(p, raw)
		if refusal != nil {
			return nil, refusal
		}
		values[p.name] = value
	}
	return values, nil
}

// decodeNew checks the properties of a new object, and that none that it needs is missing.
func (c class) decodeNew(body map[string]any) (map[string]any, *graphError) {
	values, refusal := c.decodeObject(body)
	if refusal != nil {
		return nil, refusal
	}
	for _, p := range c.properties() {
		if _, present := values[p.name]; p.required && !present {
			return nil, errMissing(p.name)
		}
	}
	return values, nil
}

// decodeChange checks the properties of a change.
func (c class) decodeChange(body map[string]any) (map[string]any, *graphError) {
	values, refusal := c.decodeObject(body)
	if refusal != nil {
		return nil, refusal
	}
	for _, p := range c.properties() {
		if _, present := values[p.name]; p.createOnly && present {
			return nil, errReadOnly(p.name)
		}
	}
	return values, nil
}

// changed is the object with these values; a nil value clears.
func (e *entity) changed(values map[string]any) *entity {
	c := e.clone()
	for name, value := range values {
		before, nested := c.values[name].(map[string]any)
		if after, ok := value.(map[string]any); ok && nested {
			value = merged(before, after)
		}
		c.values[name] = value
	}
	withoutNulls(c.values)
	return c
}

// merged is a complex value with the members of another put in.
func merged(before, after map[string]any) map[string]any {
	out := maps.Clone(before)
	maps.Copy(out, after)
	return withoutNulls(out)
}

func withoutNulls(values map[string]any) map[string]any {
	maps.DeleteFunc(values, func(_ string, v any) bool { return v == nil })
	return values
}

func textOf(value any) string {
	s, _ := value.(string)
	return s
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
