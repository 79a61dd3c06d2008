package provision

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The limits of https://learn.microsoft.com/graph/api/resources/user and
// https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy (user principal names), and this
// package's own for the key and the address.
const (
	maxUPNLocal    = 64
	maxUPNDomain   = 48
	maxDisplayName = 256
	maxName        = 64
	maxEmail       = 254 // RFC 5321, section 4.5.3.1.3
	maxConnection  = 128
	maxID          = 512
	maxGroupName   = 256
)

// normalised returns p as it is used: without white space around the fields that people type, and with the country in
// upper case. The key stays as it is: it is compared byte for byte.
func (p Person) normalised() Person {
	for _, field := range []*string{
		&p.Email, &p.DisplayName, &p.GivenName, &p.Surname, &p.UsageLocation, &p.UPN, &p.ImmutableID, &p.Manager,
	} {
		*field = strings.TrimSpace(*field)
	}
	p.UsageLocation = strings.ToUpper(p.UsageLocation)
	p.Claims = maps.Clone(p.Claims) // the run may outlast the caller
	return p
}

// Validate checks everything that can be known without asking the directory: that Connection and ID are there, and all
// lengths and characters. The error lists all that is wrong and matches [ErrInvalidPerson]. Ensure does this first, and
// checks the claims that [Rules.Attributes] names as well; of the others nothing is asked.
//
// Lengths count UTF-16 code units, as Entra does. Connection and ID may have 128 and 512.
func (p Person) Validate() error { return invalid(p.problems()) }

// validate checks the person and the claims that the rules use.
func (p *Provisioner) validate(person Person) error {
	d := p.rules.decide(person)
	if d.action != ActionProvision {
		return person.Validate()
	}
	return invalid(errors.Join(person.problems(), d.rules.attributeProblems(person)))
}

// problems lists all that is wrong.
func (p Person) problems() error {
	p = p.normalised()
	problems := []error{
		required("Connection", p.Connection),
		required("ID", p.ID),
		text("Connection", p.Connection, maxConnection),
		text("ID", p.ID, maxID),
		text("Email", p.Email, maxEmail),
		text("DisplayName", p.DisplayName, maxDisplayName),
		text("GivenName", p.GivenName, maxName),
		text("Surname", p.Surname, maxName),
	}
	if p.UsageLocation != "" {
		problems = append(problems, validateCountry(p.UsageLocation))
	}
	if p.UPN != "" {
		problems = append(problems, ValidateUPN(p.UPN))
	}
	if p.ImmutableID != "" {
		problems = append(problems, ValidateImmutableID(p.ImmutableID))
	}
	if p.Manager != "" {
		problems = append(problems, validateManager(p.Manager))
	}
	return errors.Join(problems...)
}

// invalid makes err match ErrInvalidPerson; nil stays nil.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInvalidPerson, err)
}

func required(field, value string) error {
	if value == "" {
		return fmt.Errorf("%s is required", field)
	}
	return nil
}

// text checks a free text: valid UTF-8, no control characters, at most limit UTF-16 code units.
func text(field, value string, limit int) error {
	if !utf8.ValidString(value) {
		return fmt.Errorf("%s is not valid UTF-8", field)
	}
	if strings.ContainsFunc(value, unicode.IsControl) {
		return fmt.Errorf("%s has a control character in it", field)
	}
	if n := utf16Len(value); n > limit {
		return fmt.Errorf("%s has %d characters; %d are allowed", field, n, limit)
	}
	return nil
}

// utf16Len is the length that Entra counts.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// validateCountry checks the form of an ISO 3166-1 alpha-2 code. Which countries a licence may be used in, only the
// directory knows.
func validateCountry(code string) error {
	if len(code) != 2 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		return fmt.Errorf("the usage location %.20q is not a country code of two letters (ISO 3166-1 alpha-2)", code)
	}
	if code == "UK" {
		return errors.New(`the usage location "UK" is not assigned in ISO 3166-1: the United Kingdom is "GB"`)
	}
	return nil
}

// ValidateUPN checks what Entra allows as a user principal name: one "@", 1 to 64 characters before it out of
// A-Z a-z 0-9 ' . - _ ! # ^ ~ with no "." directly before the "@", and a domain name of at most 48 characters after it.
// The error lists all that is wrong.
//
// Source: https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy.
func ValidateUPN(upn string) error {
	local, domain, ok := strings.Cut(upn, "@")
	if !ok {
		return fmt.Errorf("provision: the UPN %.120q has no @", upn)
	}
	var problems []error
	report := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("provision: the UPN %.120q "+format, append([]any{upn}, args...)...))
	}
	if local == "" {
		report("has nothing before the @")
	}
	if len(local) > maxUPNLocal {
		report("has %d characters before the @; %d are allowed", len(local), maxUPNLocal)
	}
	if strings.ContainsFunc(local, func(r rune) bool { return !isUPNRune(r) }) {
		report("has a character before the @ that is not one of A-Z a-z 0-9 ' . - _ ! # ^ ~")
	}
	if strings.HasSuffix(local, ".") {
		report(`has a "." directly before the @`)
	}
	if err := validateDomain(domain); err != nil {
		report("has a bad domain: %w", err)
	}
	return errors.Join(problems...)
}

func isUPNRune(r rune) bool { return isASCIIAlphanumeric(r) || strings.ContainsRune("'.-_!#^~", r) }

func isASCIIAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// validateDomain checks a DNS name in its ASCII form, as short as a UPN needs it.
func validateDomain(domain string) error {
	if len(domain) > maxUPNDomain {
		return fmt.Errorf("it has %d characters; a UPN allows %d", len(domain), maxUPNDomain)
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return fmt.Errorf("%q is not a domain name with a dot in it", domain)
	}
	for _, label := range labels {
		bad := func(r rune) bool { return r != '-' && !isASCIIAlphanumeric(r) }
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsFunc(label, bad) {
			return fmt.Errorf("%q is not a domain name", domain)
		}
	}
	return nil
}
