// Plays ai-sprite-image-generator: one sheet of four pictures, cut. Arguments: the module's file, and a folder.
const [, , module, folder] = process.argv;
const { generateImages } = await import(module);
const options = { rows: 2, columns: 2, outputPath: folder, resolution: "1K", pollIntervalMs: 300, verbose: false };
const found = await generateImages(process.env.KIE_API_KEY, "Cat photos", options, ["red", "green", "blue", "black"]);
console.log(JSON.stringify({ ...found, errors: found.errors.map((each) => String(each.error)) }));
