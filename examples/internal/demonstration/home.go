package demonstration

import "net/http"

const home = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>Home</title>
<link rel="icon" href="data:," />
<style>
body{margin:10vh auto;max-width:26rem;padding:0 1.25rem;font:1rem/1.5 system-ui,sans-serif}
</style>
</head>
<body>
<main>
<h1>Home</h1>
<p><a href="/entra/go">Open Microsoft 365</a></p>
</main>
</body>
</html>
`

// Home is the one page of a website that has no other.
func Home(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(home))
}
