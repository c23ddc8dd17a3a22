using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Encryption;

/// <summary>The keys that encrypt secrets of users in Postgres.</summary>
public sealed class EncryptionOptions
{
    private const string Key = "[0-9a-fA-F]{64}";

    /// <summary>Key that encrypts the tokens of connected mailboxes: 64 hexadecimal digits. Empty: none can be connected.</summary>
    [Knob("ENCRYPTION_KEY", Secret = true), RegularExpression($"^({Key})?$")]
    public string Current { get; set; } = "";

    /// <summary>
    /// Earlier keys, separated by commas. What they encrypted can be read, and is encrypted with the present key when it is used.
    /// </summary>
    [Knob("ENCRYPTION_KEYS_PREVIOUS", Secret = true), RegularExpression($"^({Key}(\\s*,\\s*{Key})*)?$")]
    public string Previous { get; set; } = "";

    public bool IsConfigured => Current.Length > 0;
}
