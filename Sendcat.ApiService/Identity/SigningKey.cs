using System.Security.Cryptography;
using System.Text;

namespace Sendcat.ApiService.Identity;

/// <summary>The one secret that every replica shares. Access tokens are signed with it; whatever else is signed has a key derived from it for that purpose alone.</summary>
internal sealed class SigningKey
{
    public const string Setting = "AUTH_SIGNING_KEY";

    private const int LeastBytes = 32;

    private readonly byte[] key;

    private SigningKey(byte[] key) => this.key = key;

    public ReadOnlySpan<byte> Bytes => key;

    public byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, outputLength: 32, info: Encoding.UTF8.GetBytes(purpose));

    /// <exception cref="InvalidOperationException">No key, or one that is too short to sign with. Outside Development nothing is made up: replicas would not believe one another.</exception>
    public static SigningKey Load(IConfiguration configuration, IHostEnvironment environment)
    {
        if (configuration[Setting] is { Length: > 0 } configured)
        {
            var bytes = Encoding.UTF8.GetBytes(configured);
            return bytes.Length >= LeastBytes
                ? new(bytes)
                : throw new InvalidOperationException($"{Setting} has {bytes.Length} bytes and needs at least {LeastBytes}. Make one with: openssl rand -base64 48");
        }

        return environment.IsDevelopment()
            ? new(Encoding.UTF8.GetBytes(OfThisMachine()))
            : throw new InvalidOperationException($"{Setting} is missing: it signs access tokens and must be the same on every replica. Make one with: openssl rand -base64 48");
    }

    /// <summary>Made once and kept for this user of this machine, so that tokens outlive a restart during development.</summary>
    private static string OfThisMachine()
    {
        var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create);
        if (data.Length == 0)
        {
            throw new InvalidOperationException($"{Setting} is missing, and there is no home directory to keep a generated one in.");
        }

        var folder = Directory.CreateDirectory(Path.Combine(data, "sendcat")).FullName;
        var file = Path.Combine(folder, "auth-signing-key");
        if (!File.Exists(file))
        {
            // Written aside and linked into place: of replicas that start together one wins and no one reads half a key.
            var aside = Path.Combine(folder, $".{Guid.NewGuid():N}");
            using (var stream = new FileStream(aside, OwnerOnly()))
            {
                stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(48))));
            }

            try
            {
                File.Move(aside, file, overwrite: false);
            }
            catch (IOException) when (File.Exists(file))
            {
                File.Delete(aside);
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
