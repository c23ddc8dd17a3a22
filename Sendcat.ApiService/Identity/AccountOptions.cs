using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Identity;

internal sealed class AccountOptions
{
    /// <summary>Comma list of mail domains whose addresses count as confirmed when they register, for drills and tests. Whoever can register there needs no mailbox.</summary>
    [Knob("AUTH_CONFIRMED_DOMAINS"), RegularExpression("^[a-zA-Z0-9., -]*$")]
    public string ConfirmedDomains { get; set; } = "";

    /// <param name="email">A plausible address.</param>
    public bool Confirms(string email)
    {
        var domain = email.AsSpan(email.LastIndexOf('@') + 1);
        foreach (var range in ConfirmedDomains.AsSpan().Split(','))
        {
            var confirmed = ConfirmedDomains.AsSpan(range).Trim();
            if (confirmed.Length > 0 && domain.Equals(confirmed, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
