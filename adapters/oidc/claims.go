package oidc

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// Claims are what the provider states of a person: the claims of the ID token and, beside them, those of userinfo that
// the ID token does not have. Numbers are [json.Number]s.
type Claims map[string]any

// Text returns a claim that is a text, or "" where it is absent or is none.
func (c Claims) Text(name string) string {
	text, _ := c[name].(string)
	return text
}

// Texts returns a claim that is a list of texts. A single text is a list of one.
func (c Claims) Texts(name string) []string {
	switch claim := c[name].(type) {
	case string:
		return []string{claim}
	case []any:
		var texts []string
		for _, each := range claim {
			if text, is := each.(string); is {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// Time returns a claim that is a time, in whole seconds. ok is false where it is absent, or is none after 1970.
func (c Claims) Time(name string) (at time.Time, ok bool) {
	number, is := c[name].(json.Number)
	if !is {
		return time.Time{}, false
	}
	seconds, err := number.Float64()
	if err != nil || !(seconds >= 1 && seconds < math.MaxInt32*100) {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// saysNo reports whether a claim that is true or false says false. Some providers write it as a text.
func (c Claims) saysNo(name string) bool {
	return c[name] == false || strings.EqualFold(c.Text(name), "false")
}

// described are the claims that become Person.Claims under the same name (OpenID Connect Core 1.0, section 5.1).
var described = [...]string{"preferred_username", "nickname", "locale", "zoneinfo", "phone_number"}

// maxDescribed is the length of the longest of these, in bytes.
const maxDescribed = 256

// Person makes a person of the standard claims. ID is sub; Email is email, unless email_verified says that it is not
// verified; DisplayName, GivenName and Surname are name, given_name and family_name. The claims preferred_username,
// nickname, locale, zoneinfo and phone_number are in Person.Claims where they are present and have at most 256 bytes; a
// phone number only if phone_number_verified does not say that it is not verified. The locale is a language and no
// UsageLocation. Connection is left to Config.
func (c Claims) Person() provision.Person {
	person := provision.Person{
		ID: c.Text("sub"), DisplayName: c.Text("name"), GivenName: c.Text("given_name"), Surname: c.Text("family_name"),
	}
	if !c.saysNo("email_verified") {
		person.Email = c.Text("email")
	}
	for _, name := range described {
		value := c.Text(name)
		if value == "" || len(value) > maxDescribed || c.saysNo(name+"_verified") {
			continue
		}
		if person.Claims == nil {
			person.Claims = map[string]string{}
		}
		person.Claims[name] = value
	}
	return person
}

func (c Claims) personWithoutFail() (provision.Person, error) { return c.Person(), nil }

// protocol are the claims that are about the token and the sign-in. Only the ID token says them.
var protocol = [...]string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "azp", "acr", "amr", "auth_time", "at_hash", "c_hash",
	"s_hash", "sid",
}

// add adds what the ID token does not say. An address that either of them calls unverified is unverified; that userinfo
// calls its own verified says nothing of another one in the ID token.
func (c Claims) add(info Claims) {
	var not []string
	for _, address := range []string{"email", "phone_number"} {
		verified := address + "_verified"
		if c.saysNo(verified) || info.saysNo(verified) {
			not = append(not, verified)
		} else if c[address] != nil && c.Text(address) != info.Text(address) {
			delete(info, verified)
		}
	}
	for name, claim := range info {
		if _, present := c[name]; !present && !slices.Contains(protocol[:], name) {
			c[name] = claim
		}
	}
	for _, verified := range not {
		c[verified] = false
	}
}
