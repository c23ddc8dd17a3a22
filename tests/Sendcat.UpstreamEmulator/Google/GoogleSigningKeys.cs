using System.Buffers.Text;
using System.Security.Cryptography;

namespace Sendcat.UpstreamEmulator.Google;

/// <summary>The RSA keys that sign ID tokens: the current one and the one before, which is published until the next rotation.</summary>
internal sealed class GoogleSigningKeys : IDisposable
{
    private const int KeyBits = 2048;

    private readonly Lock _lock = new();
    private SigningKey? _current;
    private SigningKey? _previous;

    public SigningKey Current
    {
        get
        {
            lock (_lock)
            {
                return _current ??= Create();
            }
        }
    }

    /// <summary>Signs with a new key from now on.</summary>
    public void Rotate()
    {
        lock (_lock)
        {
            _previous?.Rsa.Dispose();
            (_previous, _current) = (_current, Create());
        }
    }

    /// <summary>The public keys as JSON Web Keys.</summary>
    public object[] Published()
    {
        lock (_lock)
        {
            _current ??= Create();
            return [.. new[] { _current, _previous }.OfType<SigningKey>().Select(key => key.Published)];
        }
    }

    public void Dispose()
    {
        _current?.Rsa.Dispose();
        _previous?.Rsa.Dispose();
    }

    public static SigningKey Create()
    {
        var rsa = RSA.Create(KeyBits);
        var publicKey = rsa.ExportParameters(includePrivateParameters: false);
        var id = Convert.ToHexStringLower(SHA256.HashData(publicKey.Modulus!).AsSpan(0, 20));
        return new(id, rsa, new
        {
            kty = "RSA",
            alg = "RS256",
            use = "sig",
            kid = id,
            n = Base64Url.EncodeToString(publicKey.Modulus),
            e = Base64Url.EncodeToString(publicKey.Exponent),
        });
    }

    /// <param name="Id">The <c>kid</c>.</param>
    /// <param name="Published">The JSON Web Key.</param>
    internal sealed record SigningKey(string Id, RSA Rsa, object Published);
}
