// Package userfile reads the people who may sign in with a password: a JSON list, with hashes of their passwords.
package userfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/entrafed/entrafed/provision"
)

// User is somebody who may sign in.
type User struct {
	Login    string // as NormalLogin has it
	Password Hash
	Person   provision.Person
}

// Users are the people of the file. They never change, and may be used concurrently.
type Users struct {
	byLogin map[string]*User
	nobody  Hash // stands in for people who do not exist
	most    int  // the most iterations of any hash
}

// Verify returns whose login and password these are, or nil. It takes as long for a login that does not exist as for a
// wrong password.
func (u *Users) Verify(login, password string) *User {
	found, known := u.byLogin[NormalLogin(login)]
	hash := u.nobody
	if known {
		hash = found.Password
	}
	if !hash.Matches(password, u.most) || !known {
		return nil
	}
	return found
}

// Of returns the user of a login as NormalLogin has it, or nil.
func (u *Users) Of(login string) *User { return u.byLogin[login] }

// Count is how many there are.
func (u *Users) Count() int { return len(u.byLogin) }

// NormalLogin is a login as it is compared: people do not care for its case, and keyboards add spaces.
func NormalLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// New returns the users of a list. Each password is checked with as many iterations as the strongest hash has, and at
// least with so many: outside tests, MinIterations.
func New(list []User, iterations int) *Users {
	u := &Users{byLogin: make(map[string]*User, len(list)), most: iterations}
	for _, entry := range list {
		u.byLogin[entry.Login] = &entry
		u.most = max(u.most, entry.Password.Iterations)
	}
	// Nobody knows the password of this hash, the program included.
	u.nobody = Hash{Iterations: u.most, Salt: make([]byte, saltBytes), Key: make([]byte, keyBytes)}
	return u
}

// Rules are what the rest of a configuration asks of the file.
type Rules struct {
	Domain string   // every UPN is in it or below it; empty if it is not known
	Skip   []string // connections whose people must come with UPN and ImmutableID
}

// Parse reads the list and reports everything that is wrong with it.
func Parse(content []byte, rules Rules) ([]User, []error) {
	entries, err := parseList(content)
	if err != nil {
		return nil, []error{err}
	}
	if len(entries) == 0 {
		return nil, []error{errors.New("the list is empty: nobody could sign in")}
	}
	var list []User
	var problems []error
	taken := map[string]int{}
	for i, raw := range entries {
		entry, faults := parseUser(raw, rules)
		faults = append(faults, claim(taken, i+1, entry)...)
		for _, fault := range faults {
			problems = append(problems, fmt.Errorf("%s: %w", nameOf(i+1, entry), fault))
		}
		list = append(list, entry)
	}
	return list, problems
}

func parseList(content []byte) ([]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	var entries []json.RawMessage
	if err := decoder.Decode(&entries); err != nil {
		return nil, fmt.Errorf("it is not a JSON list of people: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows after the list")
	}
	return entries, nil
}

func nameOf(number int, u User) string {
	if u.Login == "" {
		return fmt.Sprintf("entry %d", number)
	}
	return fmt.Sprintf("entry %d (%.64q)", number, u.Login)
}

// claim finds what two people cannot both have.
func claim(taken map[string]int, number int, u User) (problems []error) {
	for _, value := range []struct{ field, key string }{
		{"login", u.Login},
		{"connection and id", joined(u.Person.Connection, u.Person.ID)},
		{"upn", strings.ToLower(u.Person.UPN)},
		{"immutableId", u.Person.ImmutableID},
	} {
		if value.key == "" {
			continue
		}
		key := value.field + "\x00" + value.key
		if other, found := taken[key]; found {
			problems = append(problems, fmt.Errorf("%s: entry %d has the same", value.field, other))
			continue
		}
		taken[key] = number
	}
	return problems
}

func joined(connection, id string) string {
	if connection == "" || id == "" {
		return ""
	}
	return connection + "\x00" + id
}

func parseUser(raw json.RawMessage, rules Rules) (User, []error) {
	var u User
	var password string
	claims := map[string]*string{}
	problems := readFields(raw, claims, map[string]*string{
		"login": &u.Login, "password": &password, "connection": &u.Person.Connection, "id": &u.Person.ID,
		"email": &u.Person.Email, "displayName": &u.Person.DisplayName, "givenName": &u.Person.GivenName,
		"surname": &u.Person.Surname, "usageLocation": &u.Person.UsageLocation, "upn": &u.Person.UPN,
		"immutableId": &u.Person.ImmutableID,
	})
	if len(problems) > 0 {
		return u, problems // what is missing may be what was misspelt
	}
	for name, value := range claims {
		if u.Person.Claims == nil {
			u.Person.Claims = map[string]string{}
		}
		u.Person.Claims[name] = *value
	}
	u.Login = NormalLogin(u.Login)
	hash, err := ParseHash(password)
	u.Password = hash
	problems = append(problems, checkLogin(u.Login), err, checkPerson(u.Person, rules))
	return u, slices.DeleteFunc(problems, func(err error) bool { return err == nil })
}

// readFields reads an object whose fields are all strings; those that begin with "claims." go to claims. encoding/json by
// itself would take a field in any case, and the last of several.
func readFields(raw json.RawMessage, claims, fields map[string]*string) (problems []error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return []error{errors.New("it is not an object")}
	}
	seen := map[string]bool{}
	for decoder.More() {
		name, _ := decoder.Token() // the whole file was read before, so its syntax is right
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return append(problems, err)
		}
		field, _ := name.(string)
		target, known := fields[field]
		if claim, ok := strings.CutPrefix(field, "claims."); ok && claim != "" {
			target, known = new(string), true
			claims[claim] = target
		}
		switch {
		case !known:
			problems = append(problems, fmt.Errorf("%.64q is not a field", field))
		case seen[field]:
			problems = append(problems, fmt.Errorf("%s is there twice", field))
		case value[0] != '"' || json.Unmarshal(value, target) != nil:
			problems = append(problems, fmt.Errorf("%s must be a string", field))
		}
		seen[field] = true
	}
	return problems
}

// MaxLogin is how long a login may be, in bytes: as long as an address may be.
const MaxLogin = 254

func checkLogin(login string) error {
	switch {
	case login == "":
		return errors.New("login is missing")
	case len(login) > MaxLogin || strings.ContainsFunc(login, unicode.IsControl):
		return fmt.Errorf("login is longer than %d bytes or has a control character in it", MaxLogin)
	}
	return nil
}

// checkPerson finds now what would otherwise fail at the first sign-in.
func checkPerson(p provision.Person, rules Rules) error {
	problems := []error{p.Validate()}
	if slices.Contains(rules.Skip, p.Connection) && (p.UPN == "" || p.ImmutableID == "") {
		problems = append(problems, fmt.Errorf("upn and immutableId are needed, because a directory sync owns the "+
			"connection %.64q (ENTRAFED_SKIP_CONNECTIONS)", p.Connection))
	}
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(p.UPN)), "@")
	if domain != "" && rules.Domain != "" && domain != rules.Domain && !strings.HasSuffix(domain, "."+rules.Domain) {
		problems = append(problems, fmt.Errorf("upn is in the domain %.64q, and this program signs people of %s in", domain,
			rules.Domain))
	}
	return errors.Join(problems...)
}
