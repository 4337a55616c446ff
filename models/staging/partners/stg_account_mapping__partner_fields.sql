with

source as (

    {{ account_mapping.stage_table('partners', 'partner_fields', as_text=true) }}

),

renamed as (

    select
        ---------- ids
        lower({{ account_mapping.clean_id('partner_id', is_clean=true) }}) as partner_id,
        {{ account_mapping.clean_id('agreement_id', is_clean=true) }} as agreement_id,
        {{ account_mapping.clean_id('epoch', is_clean=true) }} as epoch,
        account_token,
        partner_account_token,

        ---------- text
        lower(field) as field,
        value as field_value

    from source

)

select * from renamed
