package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
	"github.com/entrafed/entrafed/provision"
)

// user is somebody who may sign in.
type user struct {
	login    string // as normalLogin has it
	password passwordHash
	person   provision.Person
}

// users are the people of the users file. They never change.
type users struct {
	byLogin map[string]*user
	nobody  passwordHash // stands in for people who do not exist
	most    int          // the most iterations of any hash
}

// verify returns whose login and password these are, or nil. It takes as long for a login that does not exist as for a
// wrong password.
func (u *users) verify(login, password string) *user {
	found, known := u.byLogin[normalLogin(login)]
	hash := u.nobody
	if known {
		hash = found.password
	}
	if !hash.matches(password, u.most) || !known {
		return nil
	}
	return found
}

func (u *users) count() int { return len(u.byLogin) }

// normalLogin is a login as it is compared: people do not care for its case, and keyboards add spaces.
func normalLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// newUsers also makes the hash for people who do not exist. Nobody knows its password, the program included.
func newUsers(list []user) *users {
	u := &users{byLogin: make(map[string]*user, len(list)), most: minIterations}
	for _, entry := range list {
		u.byLogin[entry.login] = &entry
		u.most = max(u.most, entry.password.iterations)
	}
	u.nobody = passwordHash{iterations: u.most, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	return u
}

// usersRules is what the rest of the configuration asks of the users file.
type usersRules struct {
	domain string   // every UPN is in it or below it; empty if it is not known
	skip   []string // connections whose people must come with UPN and ImmutableID
}

func readUsersFile(e *environment.Variables, rules usersRules) *users {
	path := e.Required(varUsers)
	if path == "" {
		return nil
	}
	content, err := keyfile.ReadGuarded(path, 0o027, "others could read the password hashes or add people: chmod 600 "+path)
	if err != nil {
		e.Check(varUsers, err)
		return nil
	}
	list, problems := parseUsers(content, rules)
	for _, problem := range problems {
		e.Check(varUsers, fmt.Errorf("%s: %w", path, problem))
	}
	if len(problems) > 0 {
		return nil
	}
	return newUsers(list)
}

// parseUsers reads the list and reports everything that is wrong with it.
func parseUsers(content []byte, rules usersRules) ([]user, []error) {
	entries, err := parseList(content)
	if err != nil {
		return nil, []error{err}
	}
	if len(entries) == 0 {
		return nil, []error{errors.New("the list is empty: nobody could sign in")}
	}
	var list []user
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

func nameOf(number int, u user) string {
	if u.login == "" {
		return fmt.Sprintf("entry %d", number)
	}
	return fmt.Sprintf("entry %d (%.64q)", number, u.login)
}

// claim finds what two people cannot both have.
func claim(taken map[string]int, number int, u user) (problems []error) {
	for _, value := range []struct{ field, key string }{
		{"login", u.login},
		{"connection and id", joined(u.person.Connection, u.person.ID)},
		{"upn", strings.ToLower(u.person.UPN)},
		{"immutableId", u.person.ImmutableID},
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

func parseUser(raw json.RawMessage, rules usersRules) (user, []error) {
	var u user
	var password string
	claims := map[string]*string{}
	problems := readFields(raw, claims, map[string]*string{
		"login": &u.login, "password": &password, "connection": &u.person.Connection, "id": &u.person.ID,
		"email": &u.person.Email, "displayName": &u.person.DisplayName, "givenName": &u.person.GivenName,
		"surname": &u.person.Surname, "usageLocation": &u.person.UsageLocation, "upn": &u.person.UPN,
		"immutableId": &u.person.ImmutableID,
	})
	if len(problems) > 0 {
		return u, problems // what is missing may be what was misspelt
	}
	for name, value := range claims {
		if u.person.Claims == nil {
			u.person.Claims = map[string]string{}
		}
		u.person.Claims[name] = *value
	}
	u.login = normalLogin(u.login)
	hash, err := parsePasswordHash(password)
	u.password = hash
	problems = append(problems, checkLogin(u.login), err, checkPerson(u.person, rules))
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

const maxLogin = 254 // bytes, as long as an address may be

func checkLogin(login string) error {
	switch {
	case login == "":
		return errors.New("login is missing")
	case len(login) > maxLogin || strings.ContainsFunc(login, unicode.IsControl):
		return fmt.Errorf("login is longer than %d bytes or has a control character in it", maxLogin)
	}
	return nil
}

// checkPerson finds now what would otherwise fail at the first sign-in.
func checkPerson(p provision.Person, rules usersRules) error {
	problems := []error{p.Validate()}
	if slices.Contains(rules.skip, p.Connection) && (p.UPN == "" || p.ImmutableID == "") {
		problems = append(problems, fmt.Errorf("upn and immutableId are needed, because a directory sync owns the "+
			"connection %.64q (%s)", p.Connection, environment.SkipConnections))
	}
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(p.UPN)), "@")
	if domain != "" && rules.domain != "" && domain != rules.domain && !strings.HasSuffix(domain, "."+rules.domain) {
		problems = append(problems, fmt.Errorf("upn is in the domain %.64q, and this program signs people of %s in", domain,
			rules.domain))
	}
	return errors.Join(problems...)
}
