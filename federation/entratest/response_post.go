package entratest

import (
	"mime"
	"net/http"
	"net/url"
)

// messageIn is what a request to login.srf carries, or why it carries nothing. w may be nil.
func messageIn(w http.ResponseWriter, r *http.Request) message {
	form, fault := postedForm(w, r)
	return message{samlResponse: form.Get("SAMLResponse"), relayState: form.Get("RelayState"), fault: fault, http: true}
}

// postedForm returns the fields of the body, or why there are none.
func postedForm(w http.ResponseWriter, r *http.Request) (form url.Values, fault string) {
	if r.Method != http.MethodPost {
		return nil, "the message came by " + r.Method
	}
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if contentType != "application/x-www-form-urlencoded" {
		return nil, "the Content-Type is " + quoted(contentType)
	}
	if r.Body != nil && r.PostForm == nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxPostedBytes)
	}
	if err := r.ParseForm(); err != nil {
		return nil, "the form cannot be read: " + err.Error()
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, "the field " + quoted(name) + " occurs more than once"
		}
	}
	return r.PostForm, ""
}
