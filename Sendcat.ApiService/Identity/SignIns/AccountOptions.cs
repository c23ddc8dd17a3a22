using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Identity.SignIns;

internal sealed class AccountOptions
{
    /// <summary>
    /// Comma-separated mail domains whose addresses are confirmed at registration, for drills and tests. Registering there needs no
    /// mailbox.
    /// </summary>
    [Knob("AUTH_CONFIRMED_DOMAINS"), RegularExpression("^[a-zA-Z0-9., -]*$")]
    public string ConfirmedDomains { get; set; } = "";

    /// <summary>True when the address is confirmed at registration.</summary>
    /// <param name="email">An address that <see cref="EmailAddress.IsPlausible"/> accepts.</param>
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
