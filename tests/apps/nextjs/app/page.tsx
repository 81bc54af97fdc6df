export default function Page() {
  return <h1>Tracks</h1>;
}
