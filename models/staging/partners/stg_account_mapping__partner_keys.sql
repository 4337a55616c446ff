with

source as (

    {{ account_mapping.stage_table('partners', 'partner_keys', as_text=true) }}

),

renamed as (

    select
        ---------- ids
        lower({{ account_mapping.clean_id('partner_id') }}) as partner_id,
        {{ account_mapping.clean_id('agreement_id') }} as agreement_id,
        {{ account_mapping.clean_id('epoch') }} as epoch,
        {{ account_mapping.clean_id('normaliser_version') }} as normaliser_version,

        ---------- strings
        {{ account_mapping.clean_text('key_type') }} as key_type,
        {{ account_mapping.clean_text('token') }} as token,
        {{ account_mapping.clean_text('account_token') }} as account_token,
        {{ account_mapping.clean_text('parent_account_token') }} as parent_account_token,
        {{ account_mapping.clean_text('status') }} as status

    from source

)

select * from renamed
