namespace Sendcat.EndToEndTests;

/// <summary>Tests of the manifest that azd and other tools deploy. They start no system.</summary>
public sealed class ManifestTests(PublishedManifest manifest) : IClassFixture<PublishedManifest>
{
    /// <summary>To accept an intended change, copy the published file to the golden file, aspire-manifest.json of this project.</summary>
    [Fact]
    public async Task The_manifest_equals_the_golden_file()
    {
        var golden = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "aspire-manifest.json"));

        Assert.Equal(golden.ReplaceLineEndings("\n").TrimEnd(), manifest.Text.ReplaceLineEndings("\n").TrimEnd());
    }

    [Fact]
    public async Task Every_secret_is_an_input_without_a_value()
    {
        var secrets = (await ParametersAsync()).Where(parameter => parameter.Secret).ToArray();

        Assert.NotEmpty(secrets);
        Assert.All(secrets, secret =>
        {
            var input = manifest.Resources[secret.Name]!["inputs"]!["value"]!;
            Assert.True(input["secret"]!.GetValue<bool>());
            Assert.Null(input["default"]?["value"]);
        });
    }

    [Theory]
    [InlineData("key")]
    [InlineData("secret")]
    [InlineData("password")]
    [InlineData("salt")]
    [InlineData("dsn")]
    public void Every_parameter_with_the_name_of_a_secret_is_a_secret(string ending)
    {
        var named = manifest.Resources
            .Where(
                resource => resource.Key.EndsWith(ending, StringComparison.Ordinal) && (string?)resource.Value!["type"] == "parameter.v0")
            .ToArray();

        Assert.NotEmpty(named);
        Assert.All(named, parameter => Assert.True((bool?)parameter.Value!["inputs"]!["value"]!["secret"], parameter.Key));
    }

    [Fact]
    public void The_manifest_contains_no_value_of_an_environment_variable() =>
        Assert.DoesNotContain(PublishedManifest.Leak, manifest.Text, StringComparison.Ordinal);

    [Fact]
    public async Task Every_declared_parameter_has_a_description() =>
        Assert.Empty(
            (await ParametersAsync()).Where(parameter => string.IsNullOrWhiteSpace(parameter.Description))
                .Select(parameter => parameter.Name));

    [Fact]
    public void The_emulator_and_the_local_servers_are_not_deployed()
    {
        Assert.Empty(manifest.Resources.Select(resource => resource.Key)
            .Intersect(["upstreams", "redis-server", "postgres-server", "rabbitmq-server", "store-password"]));
        Assert.All(
            ["emulator", "127.0.0.1", "localhost", "_BASE_URL"],
            part => Assert.DoesNotContain(part, manifest.Text, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(manifest.Resources, resource => (string?)resource.Value!["type"] == "executable.v0");
    }

    [Fact]
    public void Only_the_api_is_reachable_from_outside()
    {
        var reachable =
            from resource in manifest.Resources
            from binding in resource.Value!["bindings"]?.AsObject() ?? []
            where (bool?)binding.Value!["external"] == true
            select $"{resource.Key} {binding.Key}";

        Assert.Equal(["api http"], reachable);
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("postgres")]
    [InlineData("messaging")]
    public void The_stores_are_containers_with_generated_passwords(string store)
    {
        var password = manifest.Resources[$"{store}-password"]!;

        Assert.Equal("container.v0", (string?)manifest.Resources[store]!["type"]);
        Assert.NotNull(password["inputs"]!["value"]!["default"]!["generate"]);
    }

    [Theory]
    [InlineData("api")]
    [InlineData("tool-worker")]
    public void Every_program_gets_the_stores(string program) =>
        Assert.All(
            ["redis", "sendcatdb", "messaging"],
            store => Assert.Equal(
                $"{{{store}.connectionString}}", (string?)manifest.Resources[program]!["env"]![$"ConnectionStrings__{store}"]));

    [Fact]
    public void The_monitor_gets_the_viewer_key_and_not_the_operator_key()
    {
        var environment = manifest.Resources["monitor"]!["env"]!.AsObject();

        Assert.Equal("{ops-viewer-key.value}", (string?)environment["OPS_VIEWER_KEY"]);
        Assert.DoesNotContain(
            environment, variable => ((string?)variable.Value)?.Contains("ops-api-key", StringComparison.Ordinal) is true);
    }

    /// <summary>
    /// The parameters that AppHost.cs declares. The passwords of the containers are not among them; Aspire adds them when it publishes.
    /// </summary>
    private static async Task<IReadOnlyList<ParameterResource>> ParametersAsync()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sendcat_AppHost>(
            ["--operation", "publish", "--publisher", "manifest"]);
        return [.. builder.Resources.OfType<ParameterResource>()];
    }
}
