package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/smartlink"
)

// decode takes apart what -decode names.
func (p program) decode(f flags) (report, error) {
	text := f.decode
	if !isAddress(text) {
		var err error
		if text, err = p.readText(f.decode); err != nil {
			return report{}, err
		}
	}
	certificates, err := p.readCertificates(f.certificates)
	if err != nil {
		return report{}, err
	}
	x := entratest.Expectation{RequestCertificates: certificates, Lenient: f.lenient, Now: p.Now}
	x.Cloud = x.Cloud.OrGlobal()
	if f.audience != "" {
		x.Cloud.Audience = f.audience
	}
	r := decodeText(text, x)
	r.Mode = mode(f.lenient)
	return r, nil
}

func isAddress(text string) bool {
	lower := strings.ToLower(text)
	return strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://")
}

func decodeText(text string, x entratest.Expectation) report {
	if isAddress(text) && !strings.ContainsAny(text, " \t\r\n") {
		if r, ok := decodeLink(text); ok {
			return r
		}
	}
	d, err := takeApart(text)
	if err != nil {
		return report{What: "unknown", Outcome: outcomeRefused, Odd: []string{err.Error()}}
	}
	return d.report(x)
}

// decodeLink recognises a smart link, good or not. What Entra sends is left to others.
func decodeLink(address string) (report, bool) {
	if u, err := url.Parse(address); err == nil && isMessage(u.Query()) {
		return report{}, false
	}
	link, err := smartlink.Policy{}.Parse(address)
	switch {
	case errors.Is(err, smartlink.ErrUnknownForm):
		return report{}, false
	case err != nil:
		return report{What: "smart link", Outcome: outcomeRefused, Odd: strings.Split(err.Error(), "\n")}, true
	}
	r := report{What: "smart link", Outcome: outcomeFine, Link: &linkParts{
		Form: link.Form.String(), Domain: link.Domain, Target: link.Target, LoginHint: link.LoginHint,
		Client: link.Client, Connection: link.Connection,
	}}
	if !link.Form.ParserOnly() {
		return r, true
	}
	r.Odd = append(r.Odd, "links of this form are of earlier days")
	if modern, err := link.Modern().URL(); err == nil {
		r.Link.Modern = modern
	} else {
		r.Odd = append(r.Odd, "the link does not say enough to build a new one: "+err.Error())
	}
	return r, true
}

// isMessage tells what Entra sends from a link that somebody made.
func isMessage(query url.Values) bool {
	return query.Has("SAMLRequest") || query.Has("SAMLResponse") || strings.HasPrefix(query.Get("wa"), "wsignout") ||
		strings.Contains(query.Get("wctx"), "estsrequest=")
}

// decoded is a message that was taken apart.
type decoded struct {
	request    *http.Request // nil: how it travelled is not known
	document   []byte        // nil: there is none, as in WS-Federation
	message    entratest.Message
	relayState string
}

// takeApart reads a message in any of the forms in which it is written down.
func takeApart(text string) (decoded, error) {
	if r, err := asHTTP(text); r != nil || err != nil {
		if err != nil {
			return decoded{}, err
		}
		return fromRequest(r)
	}
	if isAddress(text) {
		return fromAddress(text)
	}
	if form, ok := asForm(text, "SAMLRequest", "SAMLResponse", "wa"); ok {
		return fromForm(text, form)
	}
	document := []byte(text)
	if text[0] != '<' {
		var err error
		if document, _, err = unpack(text); err != nil {
			return decoded{}, err
		}
	}
	return decoded{}.with(document)
}

func fromAddress(address string) (decoded, error) {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return decoded{}, fmt.Errorf("the address cannot be read: %w", err)
	}
	return fromRequest(r)
}

// fromForm reads the fields of a form or of a query. A deflated message travels in a query only.
func fromForm(text string, form url.Values) (decoded, error) {
	_, deflated, _ := unpack(form.Get("SAMLRequest"))
	if deflated || !form.Has("SAMLRequest") && !form.Has("SAMLResponse") {
		return fromRequest(&http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: text}, Header: http.Header{}})
	}
	r, err := formPost("", text)
	if err != nil {
		return decoded{}, err
	}
	return fromRequest(r)
}

func fromRequest(r *http.Request) (decoded, error) {
	if err := r.ParseForm(); err != nil {
		return decoded{}, fmt.Errorf("the fields cannot be read: %w", err)
	}
	d := decoded{request: r, relayState: r.Form.Get("RelayState")}
	for _, name := range []string{"SAMLRequest", "SAMLResponse"} {
		if !r.Form.Has(name) {
			continue
		}
		document, _, err := unpack(r.Form.Get(name))
		if err != nil {
			return decoded{}, fmt.Errorf("%s: %w", name, err)
		}
		return d.with(document)
	}
	return d, nil
}

func (d decoded) with(document []byte) (decoded, error) {
	var err error
	d.document = document
	d.message, err = entratest.ReadMessage(document)
	return d, err
}

// report says what the message is, and of what Entra sends also whether it is like that.
func (d decoded) report(x entratest.Expectation) report {
	r := report{What: d.what(), Outcome: outcomeFine, XML: string(d.document)}
	if d.request != nil {
		r.SentBy, r.Parameters = d.request.Method, d.parameters()
	}
	if d.message.Kind != "" {
		r.Message = &d.message
	}
	if strings.HasSuffix(d.message.Kind, "Response") {
		return r
	}
	verdict := d.judge(x)
	r.Verdict, r.Outcome = &verdict, outcomeOf(verdict)
	for _, f := range append(verdict.Failures(), verdict.Warnings()...) {
		r.Odd = append(r.Odd, f.Detail)
	}
	return r
}

// what names the message for people.
func (d decoded) what() string {
	if d.message.Kind != "" {
		return d.message.Kind
	}
	switch action := d.request.Form.Get("wa"); {
	case action == "wsignin1.0":
		return "WS-Federation sign-in"
	case strings.HasPrefix(action, "wsignout"):
		return "WS-Federation sign-out"
	}
	return "address without a message"
}

// parameters are the fields that travelled along with the message.
func (d decoded) parameters() url.Values {
	along := url.Values{}
	for name, values := range d.request.Form {
		if name != "SAMLRequest" && name != "SAMLResponse" {
			along[name] = values
		}
	}
	return along
}

func (d decoded) judge(x entratest.Expectation) entratest.Verdict {
	if d.request == nil {
		return x.CheckRequestDocument(d.document)
	}
	return x.CheckRequest(d.request)
}
