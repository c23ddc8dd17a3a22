using System.Runtime.Versioning;
using Sendcat.LocalRunner.State;

namespace Sendcat.EndToEndTests.LocalRunner;

[UnsupportedOSPlatform("windows")]
public sealed class ParameterFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sendcat-parameters-");

    private string Path => System.IO.Path.Combine(_folder.FullName, "parameters.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_generated_value_stays_the_same_from_run_to_run()
    {
        var first = new ParameterFile(Path).GetOrAdd("ops-api-key", () => "drawn first");

        var second = new ParameterFile(Path).GetOrAdd("ops-api-key", () => "drawn later");

        Assert.Equal(("drawn first", "drawn first"), (first, second));
    }

    [Fact]
    public void Only_the_owner_can_read_the_file()
    {
        new ParameterFile(Path).GetOrAdd("ops-api-key", () => "value");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public void A_generated_value_has_the_length_and_the_letters_that_were_asked_for()
    {
        var value = new GenerateParameterDefault { MinLength = 48, Special = false, MinNumeric = 3 }.GetDefaultValue();

        Assert.Equal(48, value.Length);
        Assert.True(value.All(char.IsAsciiLetterOrDigit));
        Assert.True(value.Count(char.IsAsciiDigit) >= 3);
    }
}
