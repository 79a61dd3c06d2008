package entratest

import "strings"

// checkPassword applies the password policy:
// https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy#microsoft-entra-password-policies.
func checkPassword(profile map[string]any) *graphError {
	for name, value := range profile {
		switch name {
		case "password":
		case "forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa":
			if _, ok := value.(bool); !ok && value != nil {
				return errWrongType("Edm.Boolean")
			}
		default:
			if !strings.Contains(name, "@odata.") {
				return errUnknownProperty(name)
			}
		}
	}
	password, ok := profile["password"].(string)
	if !ok || password == "" {
		return errMissing("passwordProfile.password")
	}
	if !isComplex(password) {
		return requestError("The specified password does not comply with password complexity requirements. Please " +
			"provide a different password.")
	}
	return nil
}

// isComplex: 8 to 256 characters of ASCII from three of the four classes.
func isComplex(password string) bool {
	if len(password) < 8 || len(password) > 256 {
		return false
	}
	var lower, upper, digit, symbol int
	for _, r := range password {
		switch {
		case r < ' ' || r > '~':
			return false
		case r >= 'a' && r <= 'z':
			lower = 1
		case r >= 'A' && r <= 'Z':
			upper = 1
		case r >= '0' && r <= '9':
			digit = 1
		default:
			symbol = 1
		}
	}
	return lower+upper+digit+symbol >= 3
}
