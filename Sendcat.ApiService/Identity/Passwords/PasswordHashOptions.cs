using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Identity.Passwords;

internal sealed class PasswordHashOptions
{
    /// <summary>
    /// Passwords that one process hashes at the same time. Each hash occupies one core for 50 ms or more, which the chat streams cannot
    /// use.
    /// </summary>
    [Knob("PASSWORD_HASHES_AT_ONCE"), Range(1, 64)]
    public int AtOnce { get; set; } = 1;

    /// <summary>
    /// Password hashes that may wait in one process; beyond it registration, sign-in and password reset respond 503 with Retry-After.
    /// </summary>
    [Knob("PASSWORD_HASH_QUEUE"), Range(0, 1_000)]
    public int Queue { get; set; } = 16;
}
