package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// leftOut stands in the place of a secret.
const leftOut = "(left out)"

// isSecret tells by the name of a field that its value would let somebody act as somebody else.
func isSecret(name string) bool {
	return slices.Contains([]string{
		"authorization", "access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "assertion",
		"device_code", "password", "currentpassword", "newpassword", "secrettext", "samlresponse", "wresult",
	}, strings.ToLower(name))
}

// withoutSecrets is a body as the log has it: as it came, if there is no secret in it.
func withoutSecrets(header http.Header, body []byte) json.RawMessage {
	switch {
	case len(body) == 0:
		return json.RawMessage("null")
	case len(body) > maxRecorded:
		return text(fmt.Sprintf("(more than %d bytes)", maxRecorded))
	case json.Valid(body):
		return plainJSON(body)
	}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		return text(plainForm(string(body)))
	}
	return text(string(body))
}

func text(s string) json.RawMessage {
	quoted, _ := json.Marshal(s) // a string has no errors
	return quoted
}

func plainJSON(body []byte) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil || !leaveOut(value) {
		return body
	}
	plain, err := json.Marshal(value)
	if err != nil {
		return text(leftOut)
	}
	return plain
}

// leaveOut replaces secrets inside a value, and reports whether there were any.
func leaveOut(value any) (found bool) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			found = leaveOut(item) || found
		}
	case map[string]any:
		for name, item := range value {
			if _, isText := item.(string); isText && isSecret(name) {
				value[name], found = leftOut, true
				continue
			}
			found = leaveOut(item) || found
		}
	}
	return found
}

func plainForm(body string) string {
	form, err := url.ParseQuery(body)
	if err != nil {
		return leftOut
	}
	for name := range form {
		if isSecret(name) || name == "code" { // in JSON it is that of an error
			form[name] = []string{leftOut}
		}
	}
	return form.Encode()
}
