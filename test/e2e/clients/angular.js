// The same with Angular's client.
import '@angular/compiler';
import { HttpClient, provideHttpClient } from '@angular/common/http';
import { provideZonelessChangeDetection } from '@angular/core';
import { createApplication } from '@angular/platform-browser';
import { firstValueFrom } from 'rxjs';

createApplication({ providers: [provideZonelessChangeDetection(), provideHttpClient()] }).then((app) => {
  const http = app.injector.get(HttpClient);
  window.call = async (method, path, body) => {
    try {
      const answer = await firstValueFrom(
        http.request(method, window.server + path, { body, withCredentials: true, observe: 'response' }),
      );
      return { status: answer.status, ...answer.body };
    } catch (e) {
      if (!e.status) throw e;
      return { status: e.status, ...e.error };
    }
  };
  window.ready = true;
});
