package entratest

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of $filter. Graph allows 15 alternatives, or 50 objects in a delta query; the others keep hostile input cheap.
const (
	maxFilterLength       = 8 << 10
	maxFilterDepth        = 32
	maxFilterAlternatives = 15
	maxDeltaObjects       = 50
)

// filter is a parsed $filter over the objects of one class.
type filter struct {
	class   class
	matches func(e *entity) bool
	key     string   // a lookup key that every match has, or empty
	uses    []string // the properties that it looks at
	needs   string   // an operator that only the index of advanced queries knows, or empty
}

// filterParser reads the grammar of OData's $filter as far as Graph supports it for users and groups:
//
//	or      = and *( "or" and )
//	and     = unary *( "and" unary )
//	unary   = "not" unary / "(" or ")" / ( "startswith" / "endswith" ) "(" name "," literal ")" / comparison
//	comparison = name ( "eq" / "ne" / "ge" / "le" ) literal / name "in" "(" literal *( "," literal ) ")"
type filterParser struct {
	tenant       *Tenant
	class        class
	most         int // alternatives
	tokens       []filterToken
	next         int
	depth        int
	alternatives int
	uses         []string
	needs        string
}

// parseFilter parses the text of a $filter over a class, with at most so many alternatives.
func parseFilter(t *Tenant, c class, text string, alternatives int) (filter, *graphError) {
	if len(text) > maxFilterLength {
		return filter{}, invalidFilter("it is longer than %d characters", maxFilterLength)
	}
	tokens, refusal := lexFilter(text)
	if refusal != nil {
		return filter{}, refusal
	}
	p := &filterParser{tenant: t, class: c, most: alternatives, tokens: tokens}
	f, refusal := p.or()
	if refusal != nil {
		return filter{}, refusal
	}
	if p.next < len(p.tokens) {
		return filter{}, p.unexpected()
	}
	f.class, f.uses, f.needs = c, p.uses, p.needs
	return f, nil
}

func invalidFilter(format string, args ...any) *graphError {
	return badRequest("Invalid filter clause: " + fmt.Sprintf(format, args...))
}

// filterToken is a word, a quoted string, or one of ( ) ,
type filterToken struct {
	text   string
	quoted bool
	at     int
}

func lexFilter(text string) ([]filterToken, *graphError) {
	var tokens []filterToken
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t':
			i++
		case c == '(' || c == ')' || c == ',':
			tokens = append(tokens, filterToken{text: text[i : i+1], at: i})
			i++
		case c == '\'':
			literal, end, ok := lexQuoted(text, i)
			if !ok {
				return nil, invalidFilter("There is an unterminated string literal at position %d in '%s'.", i, text)
			}
			tokens = append(tokens, filterToken{text: literal, quoted: true, at: i})
			i = end
		default:
			end := i
			for end < len(text) && !strings.ContainsRune(" \t(),'", rune(text[end])) {
				end++
			}
			tokens = append(tokens, filterToken{text: text[i:end], at: i})
			i = end
		}
	}
	return tokens, nil
}

// lexQuoted reads a string literal that starts at text[start]; a quote in it is doubled.
func lexQuoted(text string, start int) (literal string, end int, ok bool) {
	var b strings.Builder
	for i := start + 1; i < len(text); i++ {
		if text[i] != '\'' {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

func (p *filterParser) unexpected() *graphError {
	if p.next >= len(p.tokens) {
		return invalidFilter("Expression expected at the end.")
	}
	token := p.tokens[p.next]
	return invalidFilter("Syntax error at position %d: '%s' was not expected.", token.at, token.text)
}

// accept consumes the next token if it is this keyword or mark.
func (p *filterParser) accept(text string) bool {
	if p.next >= len(p.tokens) || p.tokens[p.next].quoted || !strings.EqualFold(p.tokens[p.next].text, text) {
		return false
	}
	p.next++
	return true
}

func (p *filterParser) expect(mark string) *graphError {
	if !p.accept(mark) {
		return p.unexpected()
	}
	return nil
}

func (p *filterParser) or() (filter, *graphError) {
	left, refusal := p.and()
	for refusal == nil && p.accept("or") {
		if refusal = p.alternative(); refusal != nil {
			break
		}
		var right filter
		if right, refusal = p.and(); refusal == nil {
			a, b := left.matches, right.matches
			left = filter{matches: func(e *entity) bool { return a(e) || b(e) }}
		}
	}
	return left, refusal
}

// alternative counts one more alternative.
func (p *filterParser) alternative() *graphError {
	if p.alternatives++; p.alternatives >= p.most {
		return unsupportedQuery(fmt.Sprintf("Too many child clauses specified in search filter expression containing 'OR' "+
			"operators: %d. Max allowed: %d.", p.alternatives+1, p.most))
	}
	return nil
}

func (p *filterParser) and() (filter, *graphError) {
	left, refusal := p.unary()
	for refusal == nil && p.accept("and") {
		var right filter
		if right, refusal = p.unary(); refusal == nil {
			a, b := left.matches, right.matches
			left = filter{
				matches: func(e *entity) bool { return a(e) && b(e) }, key: orElse(left.key, right.key),
			}
		}
	}
	return left, refusal
}

func (p *filterParser) unary() (filter, *graphError) {
	if p.depth++; p.depth > maxFilterDepth {
		return filter{}, invalidFilter("it is nested more than %d deep", maxFilterDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("not"):
		p.require("not")
		inner, refusal := p.unary()
		if refusal != nil {
			return filter{}, refusal
		}
		return filter{matches: func(e *entity) bool { return !inner.matches(e) }}, nil
	case p.accept("("):
		inner, refusal := p.or()
		if refusal == nil {
			refusal = p.expect(")")
		}
		return inner, refusal
	case p.accept("startswith"):
		return p.function("startswith", strings.HasPrefix)
	case p.accept("endswith"):
		p.require("endsWith")
		return p.function("endswith", strings.HasSuffix)
	}
	return p.comparison()
}

// require records that only the index of advanced queries knows an operator.
func (p *filterParser) require(operator string) { p.needs = orElse(p.needs, operator) }

func (p *filterParser) function(name string, holds func(s, part string) bool) (filter, *graphError) {
	if refusal := p.expect("("); refusal != nil {
		return filter{}, refusal
	}
	property, refusal := p.property(name)
	if refusal != nil {
		return filter{}, refusal
	}
	if refusal := p.expect(","); refusal != nil {
		return filter{}, refusal
	}
	literal, refusal := p.literal(property)
	if refusal != nil {
		return filter{}, refusal
	}
	part, ok := literal.(string)
	if !ok {
		return filter{}, invalidFilter("No function signature for the function with name '%s' matches the "+
			"specified arguments.", name)
	}
	if refusal := p.expect(")"); refusal != nil {
		return filter{}, refusal
	}
	part = property.folded(part)
	return filter{matches: func(e *entity) bool {
		s, ok := property.value(p.tenant, e).(string)
		return ok && holds(property.folded(s), part)
	}}, nil
}

// folded is s as $filter compares it.
func (p property) folded(s string) string {
	if p.exact {
		return s
	}
	return strings.ToLower(s)
}

// property reads a name; the property must support the operator, unless operator is empty.
func (p *filterParser) property(operator string) (property, *graphError) {
	if p.next >= len(p.tokens) || p.tokens[p.next].quoted {
		return property{}, p.unexpected()
	}
	name := p.tokens[p.next].text
	if strings.ContainsAny(name, "(),") {
		return property{}, p.unexpected()
	}
	if before, _, nested := strings.Cut(name, "/"); nested {
		return property{}, unsupportedQuery(fmt.Sprintf("Complex query on property %s is not supported.", before))
	}
	found, ok := p.class.property(name)
	if !ok {
		return property{}, invalidFilter("Could not find a property named '%s' on type 'microsoft.graph.%s'.", name, p.class)
	}
	p.next++
	p.uses = append(p.uses, found.name)
	if operator != "" {
		return found, p.checkFilter(found, operator)
	}
	return found, nil
}

func (p *filterParser) checkFilter(prop property, operator string) *graphError {
	if !slices.Contains(strings.Fields(prop.filters), operator) {
		return unsupportedQuery(fmt.Sprintf("Unsupported or invalid query filter clause specified for property '%s' of "+
			"resource '%s'.", prop.name, p.class.resource()))
	}
	return nil
}

// literal reads a value of the property's type, or null.
func (p *filterParser) literal(prop property) (any, *graphError) {
	if p.next >= len(p.tokens) {
		return nil, p.unexpected()
	}
	token := p.tokens[p.next]
	if !token.quoted && strings.ContainsAny(token.text, "(),") {
		return nil, p.unexpected()
	}
	p.next++
	switch {
	case token.quoted && prop.kind == stringKind:
		return token.text, nil
	case !token.quoted && token.text == "null":
		return nil, nil
	case !token.quoted && prop.kind == boolKind && (token.text == "true" || token.text == "false"):
		return token.text == "true", nil
	}
	return nil, invalidFilter("A binary operator with incompatible types was detected. Found operand types '%s' and "+
		"that of '%s'.", prop.kind, token.text)
}

func (p *filterParser) comparison() (filter, *graphError) {
	prop, refusal := p.property("")
	if refusal != nil {
		return filter{}, refusal
	}
	for _, operator := range []string{"eq", "ne", "ge", "le", "in"} {
		if !p.accept(operator) {
			continue
		}
		if refusal := p.checkFilter(prop, operator); refusal != nil {
			return filter{}, refusal
		}
		if operator == "in" {
			return p.in(prop)
		}
		literal, refusal := p.literal(prop)
		if refusal != nil {
			return filter{}, refusal
		}
		return p.compare(prop, operator, literal)
	}
	return filter{}, p.unexpected()
}

func (p *filterParser) compare(prop property, operator string, literal any) (filter, *graphError) {
	equal := func(e *entity) bool { return prop.equals(p.tenant, e, literal) }
	switch operator {
	case "eq":
		return filter{matches: equal, key: prop.lookupKey(literal)}, nil
	case "ne":
		p.require("ne")
		return filter{matches: func(e *entity) bool { return !equal(e) }}, nil
	}
	bound, ok := literal.(string)
	if !ok {
		return filter{}, invalidFilter("null cannot be compared by '%s'.", operator)
	}
	bound = prop.folded(bound)
	return filter{matches: func(e *entity) bool {
		s, ok := prop.value(p.tenant, e).(string)
		order := strings.Compare(prop.folded(s), bound)
		return ok && (order == 0 || (order > 0) == (operator == "ge"))
	}}, nil
}

func (p property) equals(t *Tenant, e *entity, literal any) bool {
	value := p.value(t, e)
	s, isText := value.(string)
	wanted, wantsText := literal.(string)
	if isText && wantsText {
		return p.folded(s) == p.folded(wanted)
	}
	return value == literal
}

// lookupKey is the key of the directory that equality with the literal means, or empty.
func (p property) lookupKey(literal any) string {
	s, ok := literal.(string)
	if !ok {
		return ""
	}
	switch p.name {
	case "id":
		return keyOfID(s)
	case "userPrincipalName":
		return keyOfUPN(s)
	case "onPremisesImmutableId":
		return keyOfImmutableID(s)
	case "mail":
		return keyOfAddress(s)
	case "uniqueName":
		return keyOfUniqueName(s)
	}
	return ""
}

func (p *filterParser) in(prop property) (filter, *graphError) {
	if refusal := p.expect("("); refusal != nil {
		return filter{}, refusal
	}
	var literals []any
	for {
		literal, refusal := p.literal(prop)
		if refusal != nil {
			return filter{}, refusal
		}
		literals = append(literals, literal)
		if p.accept(")") {
			break
		}
		if refusal := p.expect(","); refusal != nil {
			return filter{}, refusal
		}
		if refusal := p.alternative(); refusal != nil {
			return filter{}, refusal
		}
	}
	return filter{matches: func(e *entity) bool {
		return slices.ContainsFunc(literals, func(l any) bool { return prop.equals(p.tenant, e, l) })
	}}, nil
}
