package entratest

import (
	"regexp"
	"slices"
	"strings"
)

// Limits of a membership rule. Graph allows so many characters; the depth keeps hostile input cheap.
const (
	maxRuleLength = 3072
	maxRuleDepth  = 32
)

// rulePredicate reports whether a user satisfies a membership rule.
type rulePredicate func(user *entity) bool

// ruleParser reads the membership rule of a dynamic group:
// https://learn.microsoft.com/entra/identity/users/groups-dynamic-membership. Understood are rules about users, with the
// properties that are texts or true and false, and every operator for them:
//
//	or         = and *( "-or" and )
//	and        = not *( "-and" not )
//	not        = "-not" not / "(" or ")" / comparison
//	comparison = "user." name operator value
//	value      = text / "true" / "false" / "null" / "[" text *( "," text ) "]"
//
// Lists of values, dates, devices, managers and the members of other groups are not understood, and such a rule is
// refused.
type ruleParser struct {
	tokens []string
	depth  int
}

var ruleToken = regexp.MustCompile("^(?:\"(?:[^\"`]|`.)*\"|[()\\[\\],]|[A-Za-z0-9._-]+)")

// parseRule parses a rule. What is wrong with one that it refuses is not said: Graph's texts are not known.
func parseRule(text string) (rulePredicate, bool) {
	if len(text) > maxRuleLength {
		return nil, false
	}
	p := &ruleParser{}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		token := ruleToken.FindString(text)
		if token == "" {
			return nil, false
		}
		p.tokens, text = append(p.tokens, token), text[len(token):]
	}
	rule, ok := p.or()
	return rule, ok && len(p.tokens) == 0
}

// next is the next token, which is taken away; empty at the end.
func (p *ruleParser) next() (token string) {
	if len(p.tokens) > 0 {
		token, p.tokens = p.tokens[0], p.tokens[1:]
	}
	return token
}

// accept takes the next token if it is this operator, which may be written without its hyphen, or this mark.
func (p *ruleParser) accept(operator string) bool {
	if len(p.tokens) == 0 || !strings.EqualFold(strings.TrimPrefix(p.tokens[0], "-"), operator) {
		return false
	}
	p.next()
	return true
}

func (p *ruleParser) or() (rulePredicate, bool) {
	left, ok := p.and()
	for ok && p.accept("or") {
		var right rulePredicate
		if right, ok = p.and(); ok {
			a := left
			left = func(user *entity) bool { return a(user) || right(user) }
		}
	}
	return left, ok
}

func (p *ruleParser) and() (rulePredicate, bool) {
	left, ok := p.not()
	for ok && p.accept("and") {
		var right rulePredicate
		if right, ok = p.not(); ok {
			a := left
			left = func(user *entity) bool { return a(user) && right(user) }
		}
	}
	return left, ok
}

func (p *ruleParser) not() (rulePredicate, bool) {
	if p.depth++; p.depth > maxRuleDepth {
		return nil, false
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("not"):
		inner, ok := p.not()
		return func(user *entity) bool { return !inner(user) }, ok
	case p.accept("("):
		inner, ok := p.or()
		return inner, ok && p.accept(")")
	}
	return p.comparison()
}

func (p *ruleParser) comparison() (rulePredicate, bool) {
	name, ofUser := strings.CutPrefix(p.next(), "user.")
	value, known := ruleProperty(name)
	if !ofUser || !known {
		return nil, false
	}
	operator := strings.ToLower(strings.TrimPrefix(p.next(), "-"))
	operator, negated := ruleOperator(operator)
	holds, ok := p.condition(operator)
	if !ok {
		return nil, false
	}
	return func(user *entity) bool { return holds(value(user)) != negated }, true
}

// ruleOperator is the operator that another one denies, and whether it does.
func ruleOperator(operator string) (positive string, negated bool) {
	if operator == "ne" {
		return "eq", true
	}
	return strings.CutPrefix(operator, "not")
}

// condition reads what an operator compares with, and returns whether a value, which may be nil, satisfies it. Texts are
// compared without regard to case.
func (p *ruleParser) condition(operator string) (func(value any) bool, bool) {
	switch operator {
	case "eq":
		return p.equality()
	case "in":
		return p.membership()
	case "match":
		text, ok := ruleText(p.next())
		expression, err := regexp.Compile("(?i)" + text)
		return onText(func(s string) bool { return expression.MatchString(s) }), ok && err == nil
	}
	compare, known := map[string]func(s, part string) bool{
		"startswith": strings.HasPrefix, "endswith": strings.HasSuffix, "contains": strings.Contains,
	}[operator]
	part, ok := ruleText(p.next())
	part = strings.ToLower(part)
	return onText(func(s string) bool { return compare(strings.ToLower(s), part) }), ok && known
}

func onText(holds func(s string) bool) func(value any) bool {
	return func(value any) bool {
		s, ok := value.(string)
		return ok && holds(s)
	}
}

func (p *ruleParser) equality() (func(value any) bool, bool) {
	switch token := p.next(); token {
	case "null":
		return func(value any) bool { return value == nil }, true
	case "true", "false":
		return func(value any) bool { return value == (token == "true") }, true
	default:
		text, ok := ruleText(token)
		return onText(func(s string) bool { return strings.EqualFold(s, text) }), ok
	}
}

// membership reads a list of texts, one of which the value is.
func (p *ruleParser) membership() (func(value any) bool, bool) {
	if !p.accept("[") {
		return nil, false
	}
	var texts []string
	for {
		text, ok := ruleText(p.next())
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
		if p.accept("]") {
			break
		}
		if !p.accept(",") {
			return nil, false
		}
	}
	return onText(func(s string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.EqualFold(s, text) })
	}), true
}

var ruleEscape = regexp.MustCompile("`(.)")

// ruleText is the text of a token: in double quotes, where a grave accent goes before a quote that belongs to it.
func ruleText(token string) (string, bool) {
	if len(token) < 2 || token[0] != '"' {
		return "", false
	}
	return ruleEscape.ReplaceAllString(token[1:len(token)-1], "$1"), true
}

// ruleProperty is how a property of a user is read, by the name that rules have for it, with regard to case. Nil means
// that the user has no such value.
func ruleProperty(name string) (func(user *entity) any, bool) {
	stored, ok := map[string]string{
		"accountEnabled": "accountEnabled", "dirSyncEnabled": "onPremisesSyncEnabled",

		"city": "city", "country": "country", "companyName": "companyName", "department": "department",
		"displayName": "displayName", "employeeId": "employeeId", "facsimileTelephoneNumber": "faxNumber",
		"givenName": "givenName", "jobTitle": "jobTitle", "mail": "mail", "mailNickName": "mailNickname",
		"mailNickname": "mailNickname", "mobile": "mobilePhone", "passwordPolicies": "passwordPolicies",
		"physicalDeliveryOfficeName": "officeLocation", "postalCode": "postalCode",
		"preferredLanguage": "preferredLanguage", "state": "state", "streetAddress": "streetAddress",
		"surname": "surname", "usageLocation": "usageLocation", "userPrincipalName": "userPrincipalName",
		"userType": "userType",
	}[name]
	switch {
	case ok:
		return func(user *entity) any { return user.values[stored] }, true
	case name == "objectId":
		return func(user *entity) any { return user.id }, true
	case slices.Contains(extensionAttributes(), name):
		return func(user *entity) any {
			attributes, _ := user.values["onPremisesExtensionAttributes"].(map[string]any)
			return attributes[name]
		}, true
	case name == "telephoneNumber":
		return func(user *entity) any {
			if phones := user.list("businessPhones"); len(phones) > 0 {
				return phones[0]
			}
			return nil
		}, true
	}
	return nil, false
}
