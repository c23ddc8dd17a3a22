using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Sendcat.Integrations.Encryption;

/// <summary>
/// Encrypts secrets with AES-256-GCM. Each purpose has a key of its own, derived from <c>ENCRYPTION_KEY</c>. A text contains the id of the
/// key, so that it can be read after the key was replaced: <c>v1.{key id}.{nonce, cipher and tag in Base64 for URLs}</c>.
/// </summary>
public sealed class SecretCipher(IOptionsMonitor<EncryptionOptions> options)
{
    private const string Version = "v1";
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int IdBytes = 6;

    /// <summary>Whether there is a key to encrypt with.</summary>
    public bool IsConfigured => options.CurrentValue.IsConfigured;

    /// <param name="purpose">What the secret is for. It can be decrypted for the same purpose only.</param>
    /// <param name="owner">Whose secret it is. It can be decrypted for the same owner only.</param>
    /// <param name="secret">The secret.</param>
    /// <exception cref="InvalidOperationException"><c>ENCRYPTION_KEY</c> is not set.</exception>
    public string Encrypt(string purpose, string owner, string secret)
    {
        var keys = options.CurrentValue;
        if (!keys.IsConfigured)
        {
            throw new InvalidOperationException("ENCRYPTION_KEY is not set.");
        }

        var key = Convert.FromHexString(keys.Current);
        var plain = Encoding.UTF8.GetBytes(secret);
        var value = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(value.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(Derived(key, purpose), TagBytes);
        aes.Encrypt(
            value.AsSpan(0, NonceBytes), plain, value.AsSpan(NonceBytes, plain.Length), value.AsSpan(NonceBytes + plain.Length),
            Encoding.UTF8.GetBytes(owner));
        return $"{Version}.{IdOf(key)}.{Base64Url.EncodeToString(value)}";
    }

    /// <summary>Decrypts what <see cref="Encrypt"/> returned.</summary>
    /// <param name="purpose">The purpose that it was encrypted for.</param>
    /// <param name="owner">The owner that it was encrypted for.</param>
    /// <param name="text">The encrypted text.</param>
    /// <param name="secret">The secret.</param>
    /// <param name="isOutdated">True: it was encrypted with an earlier key, and should be encrypted again.</param>
    /// <returns>False: the text was changed, is for another purpose or owner, or its key is not known any more.</returns>
    public bool TryDecrypt(string purpose, string owner, string text, [NotNullWhen(true)] out string? secret, out bool isOutdated)
    {
        (secret, isOutdated) = (null, false);
        if (text.Split('.') is not [Version, var id, var encoded])
        {
            return false;
        }

        var keys = options.CurrentValue;
        foreach (var key in Known(keys))
        {
            if (IdOf(key) == id && Open(Derived(key, purpose), owner, encoded) is { } opened)
            {
                (secret, isOutdated) = (opened, !string.Equals(Convert.ToHexString(key), keys.Current, StringComparison.OrdinalIgnoreCase));
                return true;
            }
        }

        return false;
    }

    private static string? Open(byte[] key, string owner, string encoded)
    {
        var value = new byte[Base64Url.GetMaxDecodedLength(encoded.Length)];
        var read = Base64Url.DecodeFromChars(encoded, value, out var consumed, out var length);
        if (read is not System.Buffers.OperationStatus.Done || consumed != encoded.Length || length < NonceBytes + TagBytes)
        {
            return null;
        }

        var plain = new byte[length - NonceBytes - TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        try
        {
            aes.Decrypt(
                value.AsSpan(0, NonceBytes), value.AsSpan(NonceBytes, plain.Length), value.AsSpan(NonceBytes + plain.Length, TagBytes),
                plain, Encoding.UTF8.GetBytes(owner));
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        return Encoding.UTF8.GetString(plain);
    }

    private static IEnumerable<byte[]> Known(EncryptionOptions keys) =>
        keys.Previous.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Prepend(keys.Current).Where(key => key.Length > 0).Select(Convert.FromHexString);

    private static byte[] Derived(byte[] key, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, KeyBytes, info: Encoding.UTF8.GetBytes(purpose));

    /// <summary>Distinguishes keys, and reveals nothing of them.</summary>
    private static string IdOf(byte[] key) =>
        Base64Url.EncodeToString(HKDF.DeriveKey(HashAlgorithmName.SHA256, key, IdBytes, info: "id of the key"u8.ToArray()));
}
