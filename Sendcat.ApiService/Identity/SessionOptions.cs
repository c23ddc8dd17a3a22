using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Identity;

internal sealed class SessionOptions
{
    /// <summary>
    /// True: only anonymous sessions that the API issued and signed are accepted. False: ids that a browser generated are accepted too, as
    /// older clients send them.
    /// </summary>
    [Knob("ANONYMOUS_SESSION_SIGNED_ONLY")]
    public bool SignedOnly { get; set; }
}
