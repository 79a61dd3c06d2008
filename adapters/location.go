package adapters

import (
	"net/http"
	"net/url"
	"strings"
)

// located is the path that the browser asked for, as far as it is one of the Bridge's: the request may have lost nothing
// of the path of BaseURL, its first parts, or all of it.
func (b *Bridge) located(r *http.Request) string {
	for left := b.path; ; left = left[1+strings.IndexByte(left[1:]+"/", '/'):] {
		rest, found := strings.CutPrefix(r.URL.Path, left)
		if full := b.path + rest; found && strings.HasPrefix(rest, "/") && b.serves(r.Method, full) {
			return full
		}
		if left == "" {
			return r.URL.Path
		}
	}
}

// serves reports whether the Bridge has something at the path.
func (b *Bridge) serves(method, path string) bool {
	if rest, found := strings.CutPrefix(path, b.path+"/signin/"); found {
		handle, _, _ := strings.Cut(rest, "/")
		return handlePattern.MatchString(handle)
	}
	_, pattern := b.mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: path}})
	return pattern != "/"
}
