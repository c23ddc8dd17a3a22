using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Sendcat.Integrations.Signing;

/// <summary>
/// The secret that all replicas and workers share. It signs access tokens. Every other purpose has its own key that is derived from it.
/// </summary>
public sealed class SigningKey
{
    public const string Setting = "AUTH_SIGNING_KEY";

    private const int MinBytes = 32;

    private readonly byte[] _key;

    private SigningKey(byte[] key) => _key = key;

    public ReadOnlySpan<byte> Bytes => _key;

    /// <returns>A key of 32 bytes for this purpose.</returns>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, outputLength: 32, info: Encoding.UTF8.GetBytes(purpose));

    /// <summary>
    /// Reads the key from <c>AUTH_SIGNING_KEY</c>. Without it, Development uses a generated key that is stored on this machine.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The key has fewer than 32 bytes, or is missing outside Development. No key is generated there: the processes would reject each
    /// other's tokens.
    /// </exception>
    public static SigningKey Load(IConfiguration configuration, IHostEnvironment environment)
    {
        if (configuration[Setting] is { Length: > 0 } configured)
        {
            var bytes = Encoding.UTF8.GetBytes(configured);
            return bytes.Length >= MinBytes
                ? new(bytes)
                : throw new InvalidOperationException(
                    $"{Setting} has {bytes.Length} bytes and needs at least {MinBytes}. Make one with: openssl rand -base64 48");
        }

        return environment.IsDevelopment()
            ? new(Encoding.UTF8.GetBytes(LoadOrCreateLocal()))
            : throw new InvalidOperationException(
                $"{Setting} is missing: it signs access tokens and links in mails, and must be the same in every API replica and tool "
                + "worker. Make one with: openssl rand -base64 48");
    }

    /// <summary>
    /// Creates the key once and stores it for this user of this machine, so that tokens stay valid across restarts during development.
    /// </summary>
    private static string LoadOrCreateLocal()
    {
        var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create);
        if (data.Length == 0)
        {
            throw new InvalidOperationException($"{Setting} is missing, and there is no home directory to store a generated one in.");
        }

        var folder = Directory.CreateDirectory(Path.Combine(data, "sendcat")).FullName;
        var file = Path.Combine(folder, "auth-signing-key");
        if (!File.Exists(file))
        {
            // Written to a temporary file and then moved. When replicas start together, the first move succeeds, and no replica reads an
            // incomplete key.
            var temporaryFile = Path.Combine(folder, $".{Guid.NewGuid():N}");
            using (var stream = new FileStream(temporaryFile, OwnerOnly()))
            {
                stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(48))));
            }

            try
            {
                File.Move(temporaryFile, file, overwrite: false);
            }
            catch (IOException) when (File.Exists(file))
            {
                File.Delete(temporaryFile);
            }
        }

        return File.ReadAllText(file);
    }

    private static FileStreamOptions OwnerOnly()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
