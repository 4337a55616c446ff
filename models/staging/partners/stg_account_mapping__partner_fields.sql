with

source as (

    {{ account_mapping.stage_table('partners', 'partner_fields', as_text=true) }}

),

renamed as (

    select
        ---------- ids
        lower({{ account_mapping.clean_id('partner_id') }}) as partner_id,
        {{ account_mapping.clean_id('agreement_id') }} as agreement_id,
        {{ account_mapping.clean_id('epoch') }} as epoch,
        {{ account_mapping.clean_text('account_token') }} as account_token,
        {{ account_mapping.clean_text('partner_account_token') }} as partner_account_token,

        ---------- text
        lower({{ account_mapping.clean_text('field') }}) as field,
        {{ account_mapping.clean_text('value') }} as field_value

    from source

)

select * from renamed
