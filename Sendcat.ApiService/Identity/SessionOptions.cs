using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Identity;

internal sealed class SessionOptions
{
    /// <summary>True: only anonymous sessions that we issued and signed are accepted. False also lets in ids that a browser made up, as older clients do.</summary>
    [Knob("ANONYMOUS_SESSION_SIGNED_ONLY")]
    public bool SignedOnly { get; set; }
}
