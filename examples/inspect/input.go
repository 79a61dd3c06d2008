package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// maxInput is far more than any message of a sign-in.
const maxInput = 4 << 20

// readText returns a file, or standard input for "-", without what may stand around a message.
func (p program) readText(file string) (string, error) {
	raw, err := p.read(file)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(raw), "\ufeff"))
	if text == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return text, nil
}

func (p program) read(file string) ([]byte, error) {
	source := p.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		source = f
	}
	raw, err := io.ReadAll(io.LimitReader(source, maxInput+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", file, err)
	case len(raw) > maxInput:
		return nil, fmt.Errorf("%s has more than %d bytes: it is no message of a sign-in", file, maxInput)
	}
	return raw, nil
}

var requestLine = regexp.MustCompile(`^(GET|HEAD|POST|PUT) (\S+) HTTP/[0-9.]+\r?\n`)

// asHTTP reads a whole HTTP request, as developer tools and proxies save it. A request without a Content-Length has the
// rest of the text as its body.
func asHTTP(text string) (*http.Request, error) {
	line := requestLine.FindStringSubmatch(text)
	if line == nil {
		return nil, nil
	}
	head := line[1] + " " + line[2] + " HTTP/1.1\r\n"
	reader := bufio.NewReader(strings.NewReader(head + text[len(line[0]):] + "\n\n"))
	r, err := http.ReadRequest(reader)
	if err != nil {
		return nil, fmt.Errorf("the HTTP request cannot be read: %w", err)
	}
	if r.Header.Get("Content-Length") == "" && r.Method != http.MethodGet {
		r.Body = io.NopCloser(strings.NewReader(strings.TrimSpace(rest(reader))))
	}
	if r.URL.Host == "" {
		r.URL.Scheme, r.URL.Host = "https", r.Host
	}
	return r, nil
}

func rest(r io.Reader) string {
	raw, _ := io.ReadAll(r) // from memory
	return string(raw)
}

// asForm reads name=value&name=value that has one of the fields.
func asForm(text string, fields ...string) (url.Values, bool) {
	form, err := url.ParseQuery(text)
	if err != nil || strings.ContainsAny(text, "<\n") {
		return nil, false
	}
	for _, field := range fields {
		if form.Has(field) {
			return form, true
		}
	}
	return nil, false
}

// formPost is a form as it is posted.
func formPost(address, text string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("-acs: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r, nil
}

// base64Field is base64 as it would be in a form, also where it was copied with the escapes of a URL.
func base64Field(text string) string {
	if strings.Contains(text, "%") {
		if unescaped, err := url.QueryUnescape(text); err == nil {
			return unescaped
		}
	}
	return text
}

var errNotBase64 = errors.New("neither XML, nor base64, nor a form, nor an HTTP request, nor an address")

// unpack returns the document inside base64, inflated if it is deflated.
func unpack(field string) (document []byte, deflated bool, err error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(base64Field(field)), ""))
	if err != nil {
		return nil, false, errNotBase64
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("<")) {
		return raw, false, nil
	}
	inflated, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxInput))
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(inflated), []byte("<")) {
		return nil, false, errors.New("there is no XML inside the base64")
	}
	return inflated, true, nil
}
