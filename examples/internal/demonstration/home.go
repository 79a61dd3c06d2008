package demonstration

import "net/http"

const home = `<!DOCTYPE html>
<html lang="en">
<title>Home</title>
<h1>Home</h1>
<p><a href="/entra/go">Open Microsoft 365</a></p>
</html>
`

// Home is the one page of a website that has no other.
func Home(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(home))
}
