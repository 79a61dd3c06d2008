package provision

import "strings"

// missingLicenses compares what the pipeline gave, as [Record].Licenses has it, with what the account has. want is what
// of it is missing or in error, have is what the directory says of that. Both are empty when nothing is.
func missingLicenses(given string, user User) (want, have string) {
	var wants, haves []string
	for _, license := range marksOf(given) {
		problem, ok := licenseProblem(license, user)
		if ok {
			continue
		}
		wants = append(wants, license)
		if problem != "" {
			haves = append(haves, license+": "+problem)
		}
	}
	return strings.Join(wants, " "), strings.Join(haves, ", ")
}

// licenseProblem is what the directory says of a licence that the account does not have. It is ok if the account does.
func licenseProblem(license string, user User) (problem string, ok bool) {
	if group, isGroup := strings.CutPrefix(license, "group:"); isGroup {
		return groupProblem(group, user)
	}
	if len(user.Licenses) == 0 { // the directory says nothing of where licences come from
		return "", containsFold(user.SKUIDs, license)
	}
	for _, assigned := range user.Licenses { // wherever it comes from, one that works is enough
		if !strings.EqualFold(assigned.SKUID, license) {
			continue
		}
		if assigned.works() {
			return "", true
		}
		problem = assigned.problem()
	}
	return problem, false
}

// groupProblem is ok if a group gives the account all that it has to give.
func groupProblem(group string, user User) (problem string, ok bool) {
	if len(user.Licenses) == 0 && len(user.SKUIDs) > 0 { // the directory says nothing of where licences come from
		return "", true
	}
	for _, assigned := range user.Licenses {
		if !strings.EqualFold(assigned.GroupID, group) {
			continue
		}
		if !assigned.works() {
			return assigned.problem(), false
		}
		ok = true
	}
	return "", ok
}

// works reports whether the seat is the user's. One in the state "ActiveWithError" is.
func (a AssignedLicense) works() bool {
	return strings.EqualFold(a.State, "Active") || strings.EqualFold(a.State, "ActiveWithError")
}

func (a AssignedLicense) problem() string {
	if a.Error == "" || strings.EqualFold(a.Error, "None") {
		return a.State
	}
	return a.State + " " + a.Error
}
