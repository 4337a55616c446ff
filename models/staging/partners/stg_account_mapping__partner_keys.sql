with

source as (

    {{ account_mapping.stage_table('partners', 'partner_keys', as_text=true) }}

),

renamed as (

    select
        ---------- ids
        lower({{ account_mapping.clean_id('partner_id', is_clean=true) }}) as partner_id,
        {{ account_mapping.clean_id('agreement_id', is_clean=true) }} as agreement_id,
        {{ account_mapping.clean_id('epoch', is_clean=true) }} as epoch,
        {{ account_mapping.clean_id('normaliser_version', is_clean=true) }} as normaliser_version,

        ---------- strings
        key_type,
        token,
        account_token,
        parent_account_token,
        status

    from source

)

select * from renamed
