package entratest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Page is an answer as a [Browser] sees it.
type Page struct {
	URL     string
	Status  int
	Header  http.Header
	Title   string
	Body    string // at most 4 MiB
	Forms   []Form
	Links   []Link
	Refresh *Refresh // of <meta http-equiv="refresh"> or the Refresh header

	location string // of a redirect
}

// Form is a form of a page, with the fields that it would send as it stands.
type Form struct {
	ID      string
	Method  string // "GET" or "POST"
	Action  string // absolute, or relative to the page; never empty
	Fields  []Field
	Buttons []Button
}

// Field is a field of a [Form]: an input, a select or a textarea. Boxes that are not ticked are left out.
type Field struct{ Name, Type, Value string }

// Button is a button that submits its [Form].
type Button struct{ Name, Value, Text string }

// Link is a link with its text, white space collapsed.
type Link struct{ URL, Text string }

// Refresh is a page's wish to be reloaded, or to be followed by another.
type Refresh struct {
	After time.Duration
	URL   string
}

// Form returns the form with that id, or with an empty id the only form of the page.
func (p Page) Form(id string) (Form, error) {
	if id == "" && len(p.Forms) == 1 {
		return p.Forms[0], nil
	}
	if i := slices.IndexFunc(p.Forms, func(f Form) bool { return f.ID == id }); id != "" && i >= 0 {
		return p.Forms[i], nil
	}
	return Form{}, fmt.Errorf("%w: form %q among the %d of %s", ErrNoSuchThing, id, len(p.Forms), p.URL)
}

// Submit fills in a form of the page and presses its first button. The form is named by its id, or by an empty id if it
// is the only one; values replace fields that the form has.
func (p Page) Submit(formID string, values map[string]string) (Action, error) {
	form, err := p.Form(formID)
	if err != nil {
		return Action{}, err
	}
	for name := range values {
		if !slices.ContainsFunc(form.Fields, func(f Field) bool { return f.Name == name }) {
			return Action{}, fmt.Errorf("%w: field %q of a form on %s", ErrNoSuchThing, name, p.URL)
		}
	}
	return form.submit(values, ""), nil
}

// Click follows the first link with that text, or presses the first button with it.
func (p Page) Click(text string) (Action, error) {
	for _, l := range p.Links {
		if l.Text == text {
			return Follow(l.URL), nil
		}
	}
	for _, form := range p.Forms {
		if slices.ContainsFunc(form.Buttons, func(b Button) bool { return b.Text == text }) {
			return form.submit(nil, text), nil
		}
	}
	return Action{}, fmt.Errorf("%w: %q on %s", ErrNoSuchThing, text, p.URL)
}

// submit sends the form with some fields replaced, by the button with that text or by the first.
func (f Form) submit(values map[string]string, buttonText string) Action {
	form := url.Values{}
	for _, field := range f.Fields {
		if replaced, ok := values[field.Name]; ok {
			form.Set(field.Name, replaced)
			continue
		}
		form.Add(field.Name, field.Value)
	}
	for _, b := range f.Buttons {
		if buttonText == "" || b.Text == buttonText {
			if b.Name != "" {
				form.Add(b.Name, b.Value)
			}
			break
		}
	}
	if f.Method == http.MethodPost {
		return Action{next: &visit{method: http.MethodPost, address: f.Action, form: form}}
	}
	address, _, _ := strings.Cut(f.Action, "?")
	return Follow(address + "?" + form.Encode())
}

// messageForm is the form that carries a message of a sign-in between Entra and an identity provider. A form that asks for
// something as well, as a sign-in page may that keeps the request in itself, is not sent without an answer.
func (p Page) messageForm() (Form, bool) {
	for _, f := range p.Forms {
		asks := slices.ContainsFunc(f.Fields, func(field Field) bool { return field.Type != "hidden" })
		carries := slices.ContainsFunc(f.Fields, func(field Field) bool {
			return field.Name == "SAMLRequest" || field.Name == "SAMLResponse" || field.Name == "wresult"
		})
		if carries && !asks {
			return f, true
		}
	}
	return Form{}, false
}

// redirected repeats or replaces the request that was answered with a redirect (RFC 9110 section 15.4).
func (p Page) redirected(made *visit) Action {
	if p.Status == http.StatusTemporaryRedirect || p.Status == http.StatusPermanentRedirect {
		again := *made
		again.address = p.location
		return Action{next: &again}
	}
	return Follow(p.location)
}

func newPage(u *url.URL, response *http.Response, body []byte) Page {
	p := Page{URL: u.String(), Status: response.StatusCode, Header: response.Header, Body: string(body)}
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		p.location = response.Header.Get("Location")
		return p
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		reader := pageReader{page: &p}
		reader.read(body)
	}
	if refresh := response.Header.Get("Refresh"); refresh != "" {
		p.Refresh = parseRefresh(refresh, p.URL)
	}
	return p
}

// parseRefresh reads "5" or "0; url=/next".
func parseRefresh(content, own string) *Refresh {
	delay, rest, _ := strings.Cut(content, ";")
	seconds, err := strconv.ParseFloat(strings.TrimSpace(delay), 64)
	if err != nil || !(seconds >= 0 && seconds <= 24*60*60) { // NaN is neither
		return nil
	}
	r := &Refresh{After: time.Duration(seconds * float64(time.Second)), URL: own}
	if name, address, ok := strings.Cut(rest, "="); ok && strings.EqualFold(strings.TrimSpace(name), "url") {
		r.URL = strings.Trim(strings.TrimSpace(address), `'"`)
	}
	return r
}

// pageReader picks forms, links and the title out of HTML, token by token. It builds no tree, so that markup which is
// not well-formed does no harm.
type pageReader struct {
	page   *Page
	text   *strings.Builder // collects the text of the open title, link, button, option or textarea
	form   *Form
	link   *Link
	button *Button
	choice *choice
	area   *Field
}

// choice is a select and its options.
type choice struct {
	name    string
	values  []string
	chosen  int
	pending bool // an option is open, and has no value but its text
}

func (r *pageReader) read(body []byte) {
	body = withoutRawText(body)
	for len(body) > 0 {
		decoder := xml.NewDecoder(bytes.NewReader(body))
		decoder.Strict, decoder.Entity = false, xml.HTMLEntity
		for {
			token, err := decoder.RawToken()
			if err == io.EOF {
				r.closeForm()
				return
			}
			if err != nil {
				break
			}
			r.take(token)
		}
		// The decoder stops at what it does not understand. Go on behind it.
		at := int(max(decoder.InputOffset(), 1))
		if at >= len(body) {
			break
		}
		body = body[at:]
	}
	r.closeForm()
}

// withoutRawText removes comments and the content of script and style, which are not markup.
func withoutRawText(body []byte) []byte {
	var out []byte
	for {
		i := bytes.IndexByte(body, '<')
		if i < 0 {
			return append(out, body...)
		}
		out = append(out, body[:i]...)
		body = body[i:]
		end := endOfRawText(body)
		if end == 0 {
			out, end = append(out, '<'), 1
		}
		body = body[end:]
	}
}

// endOfRawText returns the length of the comment, script or style that body begins with, or 0.
func endOfRawText(body []byte) int {
	for _, pair := range [][2]string{{"<!--", "-->"}, {"<script", "</script>"}, {"<style", "</style>"}} {
		if !hasPrefixFold(body, pair[0]) {
			continue
		}
		for i := len(pair[0]); i < len(body); i++ {
			if body[i] == pair[1][0] && hasPrefixFold(body[i:], pair[1]) {
				return i + len(pair[1])
			}
		}
		return len(body)
	}
	return 0
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

func (r *pageReader) take(token xml.Token) {
	switch t := token.(type) {
	case xml.StartElement:
		r.start(strings.ToLower(t.Name.Local), attributesOf(t))
	case xml.EndElement:
		r.end(strings.ToLower(t.Name.Local))
	case xml.CharData:
		if r.text != nil {
			r.text.Write(t)
		}
	}
}

func attributesOf(t xml.StartElement) map[string]string {
	attributes := map[string]string{}
	for _, a := range t.Attr {
		name := strings.ToLower(a.Name.Local)
		if a.Name.Space != "" {
			name = strings.ToLower(a.Name.Space) + ":" + name
		}
		if _, known := attributes[name]; !known {
			attributes[name] = a.Value
		}
	}
	return attributes
}

func (r *pageReader) start(tag string, a map[string]string) {
	switch tag {
	case "title":
		r.text = &strings.Builder{}
	case "meta":
		if strings.EqualFold(a["http-equiv"], "refresh") {
			r.page.Refresh = parseRefresh(a["content"], r.page.URL)
		}
	case "a":
		r.link, r.text = nil, &strings.Builder{}
		if href, ok := a["href"]; ok {
			r.link = &Link{URL: href}
		}
	case "form":
		r.closeForm()
		r.form = &Form{ID: a["id"], Method: http.MethodGet, Action: orElse(a["action"], r.page.URL)}
		if strings.EqualFold(a["method"], http.MethodPost) {
			r.form.Method = http.MethodPost
		}
	default:
		if _, disabled := a["disabled"]; r.form != nil && !disabled {
			r.startField(tag, a)
		}
	}
}

func (r *pageReader) startField(tag string, a map[string]string) {
	switch tag {
	case "input":
		r.input(strings.ToLower(orElse(a["type"], "text")), a)
	case "button":
		if kind := orElse(strings.ToLower(a["type"]), "submit"); kind == "submit" {
			r.button, r.text = &Button{Name: a["name"], Value: a["value"]}, &strings.Builder{}
		}
	case "textarea":
		r.area, r.text = &Field{Name: a["name"], Type: tag}, &strings.Builder{}
	case "select":
		r.choice = &choice{name: a["name"]}
	case "option":
		r.option(a)
	}
}

func (r *pageReader) input(kind string, a map[string]string) {
	_, ticked := a["checked"]
	field := Field{Name: a["name"], Type: kind, Value: a["value"]}
	switch kind {
	case "submit", "image":
		r.form.Buttons = append(r.form.Buttons, Button{Name: a["name"], Value: a["value"], Text: orElse(a["value"], "Submit")})
		return
	case "button", "reset", "file":
		return
	case "checkbox", "radio":
		if !ticked {
			return
		}
		if _, has := a["value"]; !has {
			field.Value = "on"
		}
	}
	r.addField(field)
}

func (r *pageReader) addField(f Field) {
	if f.Name != "" {
		r.form.Fields = append(r.form.Fields, f)
	}
}

func (r *pageReader) option(a map[string]string) {
	if r.choice == nil {
		return
	}
	r.endOption()
	if _, chosen := a["selected"]; chosen {
		r.choice.chosen = len(r.choice.values)
	}
	v, has := a["value"]
	r.choice.values = append(r.choice.values, v)
	r.choice.pending, r.text = !has, &strings.Builder{}
}

func (r *pageReader) endOption() {
	if r.choice != nil && r.choice.pending && r.text != nil {
		r.choice.values[len(r.choice.values)-1] = r.collected()
		r.choice.pending = false
	}
}

func (r *pageReader) end(tag string) {
	switch {
	case tag == "title" && r.page.Title == "":
		r.page.Title = r.collected()
	case tag == "a" && r.link != nil:
		r.link.Text = r.collected()
		r.page.Links = append(r.page.Links, *r.link)
		r.link = nil
	case tag == "form":
		r.closeForm()
	case r.form == nil:
	case tag == "button" && r.button != nil:
		r.button.Text = r.collected()
		r.form.Buttons = append(r.form.Buttons, *r.button)
		r.button = nil
	case tag == "textarea" && r.area != nil:
		if r.text != nil {
			r.area.Value = strings.TrimPrefix(r.text.String(), "\n")
		}
		r.addField(*r.area)
		r.area, r.text = nil, nil
	case tag == "option":
		r.endOption()
	case tag == "select" && r.choice != nil:
		r.endOption()
		if len(r.choice.values) > 0 {
			r.addField(Field{Name: r.choice.name, Type: tag, Value: r.choice.values[r.choice.chosen]})
		}
		r.choice = nil
	}
}

// collected returns the text since the element began, white space collapsed.
func (r *pageReader) collected() string {
	if r.text == nil {
		return ""
	}
	text := strings.Join(strings.Fields(r.text.String()), " ")
	r.text = nil
	return text
}

func (r *pageReader) closeForm() {
	if r.form != nil {
		r.page.Forms = append(r.page.Forms, *r.form)
	}
	r.form, r.button, r.choice, r.area = nil, nil, nil, nil
}
