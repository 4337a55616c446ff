with

source as (

    {{ account_mapping.stage_columns('partners', 'partner_fields', candidates={
        'partner_id': ['partner_id'],
        'agreement_id': ['agreement_id'],
        'epoch': ['epoch'],
        'account_token': ['account_token'],
        'partner_account_token': ['partner_account_token'],
        'field': ['field'],
        'value': ['value'],
    }, required=['partner_id', 'agreement_id', 'epoch', 'account_token', 'field', 'value']) }}

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
