package smartlink

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// build is [Policy.Build]. The last check is the promise itself: what is built reads back as it was given.
func (r rules) build(l Link) (string, error) {
	if l.Form.ParserOnly() {
		return "", &LinkError{Field: "Form", Value: l.Form.String(), Reason: "is only read", Err: ErrParserOnly,
			Remedy: "build Link.Modern() instead, with its Domain filled in"}
	}
	if err := r.check(l); err != nil {
		return "", err
	}
	link := r.assemble(l)
	if read, err := r.parse(link); err != nil || read != canonical(l) {
		return "", (&LinkError{Field: "Target", Reason: "holds parameters that make it a link of another form",
			Remedy: "remove them, or use the form LoginSRF", Err: ErrTarget}).about(l.Target)
	}
	return link, nil
}

// assemble writes a link whose fields were checked.
func (r rules) assemble(l Link) string {
	switch l.Form {
	case LoginSRF:
		return r.buildLoginSRF(l)
	case SharePoint:
		return l.Target
	case Authorize:
		return buildAuthorize(l)
	}
	return buildApplication(l)
}

// canonical is the spelling of l that Parse reports.
func canonical(l Link) Link {
	l.Domain = strings.ToLower(l.Domain)
	if app, ok := applicationOf(l.Form); ok && l.Target == app.address {
		l.Target = ""
	}
	return l
}

// check returns one error with everything that keeps l from being a link of its form.
func (r rules) check(l Link) error {
	form, known := l.Form.needs()
	if !known {
		return &LinkError{Field: "Form", Value: l.Form.String(), Reason: "is not a form of this package",
			Err: ErrUnknownForm}
	}
	var faults []error
	add := func(fault *LinkError) {
		if fault != nil {
			faults = append(faults, fault)
		}
	}
	add(checkPresence("Domain", l.Domain, form.domain, l.Form, ErrDomain))
	add(checkPresence("Target", l.Target, form.target, l.Form, ErrTarget))
	add(checkPresence("LoginHint", l.LoginHint, form.loginHint, l.Form, ErrLoginHint))
	add(checkPresence("Client", l.Client, form.auth0, l.Form, ErrUnknownForm))
	add(checkPresence("Connection", l.Connection, form.auth0, l.Form, ErrUnknownForm))
	if l.Domain != "" {
		add(checkDomain(l.Domain))
	}
	add(r.checkFormTarget(l))
	add(checkText("LoginHint", l.LoginHint, ErrLoginHint))
	add(checkText("Client", l.Client, ErrUnknownForm))
	add(checkText("Connection", l.Connection, ErrUnknownForm))
	return errors.Join(faults...)
}

func checkPresence(field, value string, need need, form Form, err error) *LinkError {
	switch {
	case need == required && value == "":
		return &LinkError{Field: field, Reason: "is missing: a link of the form " + form.String() + " needs it", Err: err}
	case need == never && value != "":
		return &LinkError{Field: field, Reason: "cannot be carried by a link of the form " + form.String(), Err: err,
			Remedy: "leave it empty, or use the form LoginSRF"}
	}
	return nil
}

// checkFormTarget checks the target by the rules of the form; one that is missing or in the way was reported already.
func (r rules) checkFormTarget(l Link) *LinkError {
	if l.Form == Authorize {
		return r.checkAuthorize(l.Target)
	}
	if app, ok := applicationOf(l.Form); ok {
		return r.checkApplication(app, l)
	}
	if l.Target == "" {
		return nil
	}
	u, err := r.checkTarget(l.Target)
	if err == nil && l.Form == SharePoint && !r.isSharePoint(u) {
		return r.notSharePoint(l.Target)
	}
	return err
}

// checkText checks a field that is free text: at most 1024 bytes of UTF-8 on one line.
func checkText(field, value string, err error) *LinkError {
	reason := ""
	switch {
	case len(value) > maxLoginHint:
		reason, err = "is longer than "+strconv.Itoa(maxLoginHint)+" bytes", ErrTooLong
	case !utf8.ValidString(value):
		reason = "is not UTF-8"
	case strings.ContainsFunc(value, unicode.IsControl):
		reason = "holds a control character"
	case strings.TrimSpace(value) != value:
		reason = "begins or ends with a space"
	default:
		return nil
	}
	return &LinkError{Field: field, Reason: reason, Err: err, Remedy: "give the UPN or the name alone"}
}
