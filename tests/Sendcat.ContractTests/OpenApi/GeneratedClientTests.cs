using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NJsonSchema.CodeGeneration.CSharp;
using NSwag.CodeGeneration.CSharp;
using Sendcat.ContractTests.Attachments;
using Sendcat.TestKit.Processes;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.OpenApi;

/// <summary>
/// Clients that are generated from the API document compile against a page of typical calls and run: sign-up, chat, tool call, upload of a
/// photo that the model sees, list, share, export. So does the code of docs/how-to/generate-a-client.md.
/// </summary>
public sealed class GeneratedClientTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly string Folder = Path.Combine(BuiltProgram.Root, "tests", "Sendcat.ContractTests", "OpenApi");

    /// <summary>What the SDK adds to a console program.</summary>
    private const string ImplicitUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using "
        + "System.Net.Http; global using System.Threading.Tasks;";

    private static readonly byte[] Photo = FileApi.Png(70);

    private UpstreamEmulatorHost _model = null!;
    private SendcatApi _api = null!;
    private string _document = null!;

    public async ValueTask InitializeAsync()
    {
        _model = await UpstreamEmulatorHost.StartAsync();
        _api = await SendcatApi.StartAsync(postgres, new()
        {
            ["OPENROUTER_BASE_URL"] = _model.OpenRouter.ToString(), ["OPENROUTER_API_KEY"] = "test", ["OPS_API_KEY"] = SendcatApi.OpsKey,
        });
        _document = await _api.WithBearer(SendcatApi.OpsKey).GetStringAsync("/openapi/v1.json");
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _model.DisposeAsync();
    }

    [Fact]
    public async Task The_client_of_NSwag_compiles_and_runs()
    {
        var settings = new CSharpClientGeneratorSettings
        {
            ClassName = "SendcatClient", InjectHttpClient = true, UseBaseUrl = false, GenerateOptionalParameters = true,
        };
        settings.CSharpGeneratorSettings.Namespace = "Generated";
        settings.CSharpGeneratorSettings.JsonLibrary = CSharpJsonLibrary.NewtonsoftJson;
        settings.CSharpGeneratorSettings.GenerateNullableReferenceTypes = true;
        settings.CSharpGeneratorSettings.GenerateOptionalPropertiesAsNullable = true;
        var generated = new CSharpClientGenerator(await NSwag.OpenApiDocument.FromJsonAsync(_document), settings).GenerateFile();
        var program = await File.ReadAllTextAsync(Path.Combine(Folder, "csharp", "TypicalCalls.cs"));
        var calls = Assembly.Load(Compile(OutputKind.DynamicallyLinkedLibrary, generated, program)).GetType("TypicalCalls")!;

        using var http = new HttpClient { BaseAddress = _api.Anyone.BaseAddress };
        var result = await (Task<string>)calls.GetMethod("RunAsync")!.Invoke(null, [http, Photo])!;

        Assert.Equal("""{"messages":4,"shown":"user,assistant,user,assistant","role":"User","ending":"done","text":"1 2 3 ","next":null,"titles":[],"statuses":["Completed","Completed","Completed","Completed"],"forked":true,"seen":"I see an image (image/png, 70 bytes","exported":true,"tool":"started get_current_time True started ","uiText":"1 2 3 ","calls":["tool-get_current_time OutputAvailable True"]}""", result);

        // The page, as `dotnet new console` and `dotnet run` would run it.
        using var folder = new TestFolder("csharp");
        await File.WriteAllBytesAsync(
            Path.Combine(folder.Path, "page.dll"),
            Compile(OutputKind.ConsoleApplication, generated, ImplicitUsings, await FromPageAsync("csharp")));
        await File.WriteAllBytesAsync(Path.Combine(folder.Path, "shoes.png"), Photo);
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Newtonsoft.Json.dll"), Path.Combine(folder.Path, "Newtonsoft.Json.dll"));
        File.Copy(
            Path.Combine(AppContext.BaseDirectory, "Sendcat.ContractTests.runtimeconfig.json"),
            Path.Combine(folder.Path, "page.runtimeconfig.json"));
        Assert.Contains(
            "I see an image (image/png, 70 bytes", await TestProcess.RunAsync(new("dotnet", "page.dll") { WorkingDirectory = folder.Path }),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_types_of_openapi_typescript_compile_and_their_page_runs()
    {
        Assert.SkipUnless(Executable.Find("npm") is not null, "Node is not installed: nodejs.org");
        using var folder = new TestFolder("typescript");
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Folder, "typescript")))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }

        await File.WriteAllTextAsync(Path.Combine(folder.Path, "openapi.json"), _document);
        await RunAsync("npm", "ci", "--no-audit", "--no-fund");
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "generate.mjs"), await FromPageAsync("js"));
        await RunAsync("node", "generate.mjs");
        await RunAsync(
            "node", "node_modules/typescript/bin/tsc", "--strict", "--target", "es2022", "--module", "nodenext", "--lib",
            "es2022,dom,dom.asynciterable", "--skipLibCheck", "page.ts");
        var output = await RunAsync("node", "page.js", _api.Anyone.BaseAddress!.ToString().TrimEnd('/'), Convert.ToBase64String(Photo));

        Assert.Equal("""{"messages":4,"shown":"user,assistant,user,assistant","role":"user","ending":"done","text":"1 2 3 ","next":null,"titles":[],"statuses":["completed","completed","completed","completed"],"forked":true,"seen":"I see an image (image/png, 70 bytes","exported":true,"tool":"started get_current_time true started ","uiText":"1 2 3 ","calls":["tool-get_current_time output-available true"]}""", output.Trim());

        await File.WriteAllTextAsync(Path.Combine(folder.Path, "describe.ts"), await FromPageAsync("ts"));
        await RunAsync(
            "node", "node_modules/typescript/bin/tsc", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution",
            "bundler", "describe.ts");
        var photo = $"new File([Buffer.from('{Convert.ToBase64String(Photo)}', 'base64')], 'shoes.png', {{ type: 'image/png' }})";
        var call = $"import('./describe.js').then(async page => console.log(await new Response(await page.describe({photo})).text()))";
        Assert.Contains("image/png, 70 bytes", await RunAsync("node", "--eval", call), StringComparison.Ordinal);

        Task<string> RunAsync(string program, params string[] arguments) =>
            TestProcess.RunAsync(new(program, arguments) { WorkingDirectory = folder.Path });
    }

    /// <summary>The code in a language that the how-to shows, with the address of the API under test.</summary>
    private async Task<string> FromPageAsync(string language)
    {
        var howTo = await File.ReadAllTextAsync(Path.Combine(BuiltProgram.Root, "docs", "how-to", "generate-a-client.md"));
        return howTo.Split($"```{language}\n")[1].Split("```")[0]
            .Replace("http://localhost:5080", _api.Anyone.BaseAddress!.ToString().TrimEnd('/'), StringComparison.Ordinal);
    }

    private static byte[] Compile(OutputKind kind, params string[] sources)
    {
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(file => MetadataReference.CreateFromFile(file));
        var compilation = CSharpCompilation.Create(
            "page", sources.Select(source => CSharpSyntaxTree.ParseText(source)), references,
            new(kind, nullableContextOptions: NullableContextOptions.Enable));
        using var library = new MemoryStream();
        var result = compilation.Emit(library);
        Assert.True(
            result.Success,
            string.Join('\n', result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Take(10)));
        return library.ToArray();
    }
}
