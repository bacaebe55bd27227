import { Arg, Field, ID, InputType, Mutation, ObjectType, Resolver } from 'type-graphql'
import { ForOperator } from '../graphql/access.js'
import { DateTimeScalar, UrlScalar } from '../graphql/scalars.js'
import { checkOptional } from '../lib/text.js'
import type { Exporter } from './exporter.js'
import type { Importer } from './importer.js'
import { WalletKeyDerivation } from './tenant.input.js'
import type { KeyMode as KeyModeName, WalletStorage as WalletStorageName } from './tenant.js'
import { KeyMode, WalletStorage } from './tenant.type.js'

@InputType({ description: 'A tenant to take elsewhere.' })
export class ExportTenantInput {
  @Field(() => ID, { description: 'The tenant.' })
  tenantId!: string

  @Field(() => String, {
    nullable: true,
    description: 'The key that the archive is sealed with: base58 of 32 bytes. Made if absent.',
  })
  exportKey?: string | null

  @Field(() => String, { nullable: true, description: 'UNMANAGED: required. Where given, it must be right.' })
  walletKey?: string | null
}

@InputType({ description: 'What is to become of an archive.' })
export class ImportTenantInput {
  @Field(() => String, { description: 'The key that the archive is sealed with.' })
  exportKey!: string

  @Field(() => String, { nullable: true, description: 'Another name for the tenant; the one it had where absent.' })
  name?: string | null

  @Field(() => KeyMode, { nullable: true, defaultValue: 'MANAGED', description: 'Who is to have the wallet key here.' })
  keyMode?: KeyModeName | null

  @Field(() => WalletStorage, { nullable: true, description: 'PROFILE where absent; STORE for UNMANAGED.' })
  walletStorage?: WalletStorageName | null

  @Field(() => String, { nullable: true, description: 'The key of the wallet here, as for createTenant.' })
  walletKey?: string | null

  @Field(() => WalletKeyDerivation, { nullable: true, defaultValue: 'RAW', description: 'What walletKey is.' })
  walletKeyDerivation?: keyof typeof WalletKeyDerivation | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Whether the tenant is to wait, suspended, until it is resumed.',
  })
  suspended?: boolean | null
}

@ObjectType({ description: 'Where an archive can be fetched, once.' })
export class ExportTenantPayload {
  @Field(() => UrlScalar, {
    description: 'GET it with an operator key that has ALL: the archive is made then, and streamed. It holds once.',
  })
  url!: string

  @Field(() => String, { description: 'The key that the archive is sealed with, shown once. Keep it apart from it.' })
  exportKey!: string

  @Field(() => DateTimeScalar, { description: 'Until when it can be fetched.' })
  expiresAt!: Date
}

@ObjectType({ description: 'Where an archive is to be sent, once.' })
export class ImportTenantPayload {
  @Field(() => UrlScalar, {
    description:
      'POST the archive to it with an operator key: the answer is JSON with the tenant and its primary token, or with errors. It holds once.',
  })
  url!: string

  @Field(() => DateTimeScalar, { description: 'Until when it can be sent.' })
  expiresAt!: Date
}

/** Tenants that move between gateways. */
@Resolver()
export class TransferResolver {
  constructor(
    private readonly exporter: Exporter,
    private readonly importer: Importer,
    private readonly publicUrl: () => string,
  ) {}

  @ForOperator('ALL')
  @Mutation(() => ExportTenantPayload, {
    description:
      '(operator with ALL) One sealed archive of a tenant: wallet, events, what waits to be sent or handled. It takes its state as it is when the archive is fetched; requests wait while it is copied. The tenant stays.',
  })
  async exportTenant(
    @Arg('input', () => ExportTenantInput, { description: 'The tenant, and keys.' }) input: ExportTenantInput,
  ): Promise<ExportTenantPayload> {
    const { id, exportKey, expiresAt } = await this.exporter.order(input)
    return { url: `${this.publicUrl()}/exports/${id}`, exportKey, expiresAt }
  }

  @ForOperator('ALL')
  @Mutation(() => ImportTenantPayload, {
    description:
      '(operator with ALL) Makes a tenant of an archive, with its id, connections and events; its tokens are new. Nothing is made until the archive has come whole.',
  })
  async importTenant(
    @Arg('input', () => ImportTenantInput, { description: 'What is to become of it.' }) input: ImportTenantInput,
  ): Promise<ImportTenantPayload> {
    checkOptional(input.name, 'input.name')
    const { id, expiresAt } = await this.importer.order(input)
    return { url: `${this.publicUrl()}/imports/${id}`, expiresAt }
  }
}
