// A client as the documentation of single-page applications has it: axios with
// credentials, and the names of cookie and header that it has by itself.
import axios from 'axios';

const client = axios.create({
  baseURL: window.server,
  withCredentials: true,
  withXSRFToken: true,
});

window.call = async (method, path, data) => {
  try {
    const answer = await client.request({ method, url: path, data });
    return { status: answer.status, ...answer.data };
  } catch (e) {
    if (!e.response) throw e;
    return { status: e.response.status, ...e.response.data };
  }
};
window.ready = true;
