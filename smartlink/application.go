package smartlink

import (
	"net/url"
	"slices"
	"strings"
)

// application is a web application that takes the domain in its own address.
type application struct {
	address   string                // in the worldwide cloud
	is        func(u *url.URL) bool // recognises the address, in any cloud
	parameter string                // the parameter that is added; "" puts the domain at the end of the path
	value     string                // what the parameter holds; "" for the domain
	folders   []string              // the paths below which the domain is put
}

func applicationOf(form Form) (application, bool) {
	switch form {
	case OutlookRealm:
		return application{address: "https://outlook.office365.com/owa/", is: isOWA, parameter: "realm"}, true
	case OutlookDomain:
		return application{address: "https://outlook.com/", is: isOutlook, folders: []string{"/", "/owa/"}}, true
	case AzurePortal:
		return application{address: "https://portal.azure.com/", is: isAzurePortal, folders: []string{"/"}}, true
	case MyApps:
		return application{address: "https://myapps.microsoft.com/", is: isMyApps, folders: []string{"/"}}, true
	case MyAppsHomeRealm:
		return application{address: "https://myapps.microsoft.com/", is: isMyApps, parameter: "whr"}, true
	case Microsoft365:
		return application{address: "https://m365.cloud.microsoft/", is: isMicrosoft365, parameter: "auth", value: "2"}, true
	}
	return application{}, false
}

// isOutlook knows outlook.com, outlook.office365.com, outlook.office365.us, partner.outlook.cn and
// outlook-dod.office365.us.
func isOutlook(u *url.URL) bool {
	return slices.ContainsFunc(strings.Split(strings.ToLower(u.Hostname()), "."), func(label string) bool {
		return label == "outlook" || label == "outlook-dod"
	})
}

func isOWA(u *url.URL) bool {
	return isOutlook(u) && strings.EqualFold(strings.TrimSuffix(u.Path, "/"), "/owa")
}

func isAzurePortal(u *url.URL) bool { return hasLabels(u, "portal.azure.") }

func isMyApps(u *url.URL) bool { return hasLabels(u, "myapps.") }

func isTeams(u *url.URL) bool { return hasLabels(u, "teams.") }

func hasLabels(u *url.URL, first string) bool {
	return strings.HasPrefix(strings.ToLower(u.Hostname()), first)
}

func isMicrosoft365(u *url.URL) bool {
	return slices.Contains([]string{"m365.cloud.microsoft", "office.com", "microsoft365.com"},
		strings.TrimPrefix(strings.ToLower(u.Hostname()), "www."))
}

// isSharePoint reports whether u is on one of the cloud's SharePoint domains: sharepoint.com, sharepoint-mil.us.
func (r rules) isSharePoint(u *url.URL) bool {
	return slices.ContainsFunc(r.cloud.Hosts, func(domain string) bool {
		return strings.HasPrefix(strings.ToLower(domain), "sharepoint") && isWithin(u.Hostname(), domain)
	})
}

func (r rules) notSharePoint(target string) *LinkError {
	return (&LinkError{Field: "Target", Reason: "is not a SharePoint address of the cloud " + r.cloud.Name, Err: ErrTarget,
		Remedy: "use the form LoginSRF"}).about(target)
}

func buildApplication(l Link) string {
	app, _ := applicationOf(l.Form)
	link := cut(l.Target)
	if l.Target == "" {
		link = cut(app.address)
	}
	domain := strings.ToLower(l.Domain)
	switch {
	case app.parameter == "":
		link.base += domain
	case app.value == "":
		link = link.with(app.parameter, domain)
	default:
		link = link.with(app.parameter, app.value)
	}
	return link.String()
}

// checkApplication checks the application's address: that of the worldwide cloud, too, which a link of another cloud
// may not lead to.
func (r rules) checkApplication(app application, l Link) *LinkError {
	target := l.Target
	if target == "" {
		target = app.address
	}
	u, err := r.checkTarget(target)
	if err != nil {
		if l.Target == "" {
			err.Remedy = "it is the form's own address: set Target to the application's address in this cloud"
		}
		return err
	}
	fault := &LinkError{Field: "Target", Err: ErrTarget,
		Remedy: "leave it empty, or give the application's address, as in " + app.address}
	switch {
	case !app.is(u):
		fault.Reason = "is not an address for the form " + l.Form.String()
	case app.parameter == "" && !slices.Contains(app.folders, pathOf(cut(target))):
		fault.Reason = "does not end where the domain is put, after " + strings.Join(app.folders, " or ")
	case app.parameter != "" && readQuery(u.RawQuery).has(app.parameter):
		fault.Reason, fault.Remedy = "already has the parameter "+app.parameter, "remove it: the form adds it"
	default:
		return nil
	}
	return fault.about(target)
}

// pathOf returns the path of a URL as it is written.
func pathOf(link parts) string {
	_, rest, _ := cutScheme(link.base)
	if at := strings.IndexByte(rest, '/'); at >= 0 {
		return rest[at:]
	}
	return ""
}

// parseApplication returns false if the link is not one of this form.
func parseApplication(form Form, u *url.URL, link parts) (Link, *LinkError, bool) {
	app, _ := applicationOf(form)
	if !app.is(u) {
		return Link{}, nil, false
	}
	l := Link{Form: form}
	if app.parameter == "" {
		folder, domain, ok := cutDomain(pathOf(link), app.folders)
		if !ok {
			return Link{}, nil, false
		}
		link.base = strings.TrimSuffix(link.base, pathOf(link)) + folder
		l.Domain = strings.ToLower(domain)
	} else {
		q := readQuery(link.query)
		value := q.get(app.parameter)
		if q.err != nil || value == "" || app.value != "" && value != app.value {
			return Link{}, q.err, q.err != nil
		}
		if app.value == "" {
			l.Domain = strings.ToLower(value)
		}
		link = link.without(app.parameter)
	}
	if l.Target = link.String(); l.Target == app.address {
		l.Target = ""
	}
	return l, nil, true
}

// cutDomain cuts a path after one of the folders, if what follows is a domain.
func cutDomain(path string, folders []string) (folder, domain string, ok bool) {
	for _, folder := range folders {
		domain, ok := strings.CutPrefix(path, folder)
		domain = strings.TrimSuffix(domain, "/")
		if ok && domainFault(domain) == "" {
			return folder, domain, true
		}
	}
	return "", "", false
}

// realmOf returns the domain that an Outlook target names, or "".
func realmOf(target string) string {
	u, err := url.Parse(target)
	if err != nil || !isOutlook(u) {
		return ""
	}
	realm := readQuery(u.RawQuery).get("realm")
	if domainFault(realm) != "" {
		return ""
	}
	return strings.ToLower(realm)
}
